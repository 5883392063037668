// What every fuzz target gives: seeds that pass, and the one function that takes any bytes.
//
// The same target is run in two ways: by libFuzzer, which looks for inputs that reach new branches
// (scripts/fuzz), and as a plain test over the seeds, their neighbours and all inputs that once
// found a bug (tests/data/fuzz/TARGET). A broken promise ends the process: both ways see that.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace snap::fuzz {

struct Target {
  std::string name;
  std::vector<std::string> (*seeds)();
  void (*run)(std::string_view input);
};

// Ends the process where what a room promises does not hold.
inline void require(bool holds, std::source_location at = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: a promise is broken\n", at.file_name(), at.line());
  std::abort();
}

Target archive();          // node: a tar.gz of host files
Target bolt();             // bolt, snapshot: a database whose checksums fit whatever was changed
Target config();           // config: the YAML file
Target host();             // node: static pods, environment files, certificates
Target kubeconfig();       // kube: the file of kubectl
Target manifest();         // sets: manifest.json
Target names();            // sets: names of sets and files
Target snapshot();         // snapshot: a file as it is
Target snapshot_stream();  // etcd: the body of a Snapshot answer
Target wire();             // wire: protobuf fields, gRPC frames

}  // namespace snap::fuzz
