// A network of its own: loopback, and an interface behind which packets vanish.
#pragma once

#include <atomic>

#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::faults {

class NetSpace {
 public:
  NetSpace();
  ~NetSpace();
  NetSpace(const NetSpace&) = delete;

  // In front of a command that shall run in it.
  std::vector<std::string> launcher() const;
  // The same, with a resolver that says "no such name" to names that begin with "nx" and says
  // nothing to all others. Without it the resolver would wait 30 s and ask again.
  std::vector<std::string> launcher_with_names() const;
  // Packets to it vanish. `n` from 2 to 254.
  static std::string black_hole(int n) { return "10.77.0." + std::to_string(n); }
  int questions() const { return questions_; }  // that the resolver got

 private:
  void answer_questions();

  test::TempDir directory_;
  test::Process holder_;
  Fd socket_;
  std::atomic<bool> ending_ = false;
  std::atomic<int> questions_ = 0;
  std::thread resolver_;
};

}  // namespace snap::faults
