// The wire in front of a real NFS server, one whole RPC message at a time: a reply can be lost,
// come late or say something else, and a server can be stopped at exactly this call.
//
//   NfsWire wire(server.port());
//   wire.judge([&](NfsWire::Message& m) {
//     if (m.reply && m.what == "RENAME") return NfsWire::Fate::cut;  // done, but nobody learns it
//     return NfsWire::Fate::pass;
//   });
//   ... mount 127.0.0.1 with nfsport = wire.port() ...
//
// Calls are named as NFSv3 names them; a COMPOUND of NFSv4 has the name of what it is for.
// Formats: RFC 5531 (RPC and record marks), RFC 1813, RFC 7530.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/file.h"

namespace snap::test {

class NfsWire {
 public:
  struct Message {
    bool reply = false;  // named as the call that it answers
    std::string what;    // "WRITE"; empty: not of NFS
    int number = 0;      // of its name and direction, on all connections, from 1
    std::string& bytes;  // with the record marks
  };
  enum class Fate {
    pass,
    drop,
    hold,  // passes after the next message in its direction
    cut    // it is lost, and the connection is reset
  };
  // Called for one message at a time, by threads that end with their connection: it must start no
  // process.
  using Judge = std::function<Fate(Message&)>;

  explicit NfsWire(int server_port);
  ~NfsWire();
  NfsWire(const NfsWire&) = delete;

  int port() const { return port_; }
  void judge(Judge judge);  // of messages from now on; at first everything passes

 private:
  struct Connection;
  void accept_loop();
  void pump(Connection& connection, bool replies);
  // Names the message and asks the judge.
  Fate decide(Connection& connection, bool reply, std::string& bytes);

  int server_port_, port_ = 0;
  std::atomic<bool> ending_ = false;
  std::mutex mutex_;
  Judge judge_;
  std::map<std::pair<std::string, bool>, int> counted_;
  std::list<std::unique_ptr<Connection>> all_;
  Fd listener_;
  std::thread acceptor_;
};

}  // namespace snap::test
