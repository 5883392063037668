// Damage planted in stored copies: `verify --at` finds every case at every kind of place, and
// nothing that is damaged is ever passed on.
#include <filesystem>

#include "faults/placed.h"

namespace snap::faults {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string file_in(const std::string& set, const std::string& ending) {
  for (const auto& entry : fs::directory_iterator(set))
    if (entry.path().string().ends_with(ending)) return entry.path();
  throw std::runtime_error("no " + ending + " in " + set);
}

const std::vector<std::string> kFiles = {".db", ".tar.gz", "manifest.json"};

// One export, one mirror, one bucket with two sets of different content each.
class Copies : public testing::Test {
 protected:
  Copies() {
    scene.nfs("nas", nas);
    scene.ssh("mirror", mirror);
    scene.s3("offsite", bucket);
    EXPECT_EQ(scene.run().exit_code, 0);
    auto other = test::good_script();
    other.body = test::snapshot_body(test::small_database(41), 4096);
    other.hash_kv = test::small_hash_kv(41);
    scene.fake.play(other);
    test::write_file(scene.agent.host_tree() + "/manifests/etcd.yaml", "kind: Pod\n");
    EXPECT_EQ(scene.run().exit_code, 0);
    for (const auto& store : scene.stores) EXPECT_EQ(verify(store.name).exit_code, 0) << store.name;
  }

  test::Finished verify(const std::string& place) const {
    return scene.agent.run({"verify", "--at", place});
  }
  std::string old_set() const { return scene.agent.sets()[0]; }
  std::string new_set() const { return scene.agent.sets()[1]; }

  // Plants it at each place, wants it found with the set that it is in, and takes it back.
  void expect_found(const std::string& what,
                    const std::function<void(const std::string& store)>& plant,
                    bool both = false) const {
    for (const auto& store : scene.stores) {
      auto sound = test::contents(store.directory);
      plant(store.directory);
      auto found = verify(store.name);
      EXPECT_EQ(found.exit_code, 4) << what << " at " << store.name << ": " << found.text();
      EXPECT_THAT(found.out, HasSubstr(new_set() + ": DAMAGED")) << what << " at " << store.name;
      if (both) {
        EXPECT_THAT(found.out, HasSubstr(old_set() + ": DAMAGED")) << what << " at " << store.name;
      }
      for (const auto& [path, content] : sound) test::write_file(path, content);
    }
  }
  void change(const std::string& store, const std::string& ending,
              const std::function<void(std::string&)>& spoil) const {
    auto path = file_in(store + "/" + new_set(), ending);
    auto text = test::read_file(path);
    spoil(text);
    test::write_file(path, text);
  }

  test::NfsServer nas;
  test::SshServer mirror;
  test::S3Server bucket;
  Placed scene;
};

// F-N07, F-O08: at rest.
TEST_F(Copies, WithOneBitFlippedAreFound) {
  for (const auto& ending : kFiles)
    for (int part = 0; part < 5; ++part) {
      expect_found(std::format("bit flip {} of {}", part, ending), [&](const auto& store) {
        change(store, ending, [&](std::string& text) {
          auto at = (text.size() - 1) * static_cast<size_t>(part) / 4;
          text[at] = static_cast<char>(text[at] ^ (1 << part));
        });
      });
    }
}

TEST_F(Copies, CutOrGrownAreFound) {
  for (const auto& ending : kFiles) {
    auto resized = [&](const std::string& what, const std::function<size_t(size_t)>& size) {
      expect_found(what + " " + ending, [&](const auto& store) {
        change(store, ending, [&](std::string& text) { text.resize(size(text.size()), '\n'); });
      });
    };
    resized("cut by one byte", [](size_t size) { return size - 1; });
    resized("half of", [](size_t size) { return size / 2; });
    resized("nothing of", [](size_t) { return size_t{0}; });
    resized("grown", [](size_t size) { return size + 1; });
  }
}

// The files of two sets, and manifests that belong to another set or to an older state of this one.
TEST_F(Copies, WithFilesOfAnotherSetAreFound) {
  for (const auto& ending : kFiles) {
    expect_found(
        "swapped " + ending,
        [&](const auto& store) {
          auto mine = file_in(store + "/" + new_set(), ending);
          auto others = file_in(store + "/" + old_set(), ending);
          auto text = test::read_file(mine);
          test::write_file(mine, test::read_file(others));
          test::write_file(others, text);
        },
        true);
  }
  expect_found("a stale manifest", [&](const auto& store) {
    auto stale = test::read_file(file_in(store + "/" + old_set(), "manifest.json"));
    auto now = test::read_file(file_in(store + "/" + new_set(), "manifest.json"));
    auto value = [](const std::string& text, const std::string& key) {
      auto begin = text.find("\"" + key + "\": ");
      return text.substr(begin, text.find('\n', begin) - begin);
    };
    for (const auto* key : {"set", "started"})
      stale.replace(stale.find(value(stale, key)), value(stale, key).size(), value(now, key));
    change(store, "manifest.json", [&](std::string& text) { text = stale; });
  });
}

// A copy that is damaged is no source: not for fetch, and it never replaces a sound one.
TEST_F(Copies, ThatAreDamagedAreNeverPassedOn) {
  for (const auto& store : scene.stores)
    change(store.directory, ".db", [](std::string& text) { text[text.size() / 2] ^= 1; });
  fs::rename(scene.agent.set_path(new_set()), scene.agent.path("aside"));
  auto set = fs::path(file_in(scene.stores[0].directory, "_node-1")).filename().string();
  for (const auto& entry : fs::directory_iterator(scene.stores[0].directory))
    set = std::max(set, entry.path().filename().string());
  auto fetched = scene.agent.run({"fetch", set, scene.agent.path("back")});
  EXPECT_EQ(fetched.exit_code, 4) << fetched.text();
  for (const auto& name : {"nas", "mirror/127.0.0.1", "offsite"})
    EXPECT_THAT(fetched.err, HasSubstr(std::format("the copy at {} cannot be used", name)));
  EXPECT_FALSE(fs::exists(scene.agent.path("back/" + set)));
}

// A set that is damaged here is shipped nowhere, and said so; what is sound goes on.
TEST_F(Copies, OfASetThatIsDamagedHereAreNotMade) {
  for (const auto& ending : kFiles) {
    test::SshServer empty;
    scene.forget();
    scene.ssh("empty", empty);
    change(scene.agent.sets_directory(), ending,
           [](std::string& text) { text[text.size() / 2] ^= 1; });
    auto sync = scene.agent.run({"sync"});
    EXPECT_EQ(sync.exit_code, 4) << ending << sync.text();
    EXPECT_THAT(sync.err, HasSubstr(new_set())) << ending << sync.text();
    // Without a manifest that can be read it is no set of the list that places lack.
    bool listed = ending != "manifest.json";
    EXPECT_EQ(sync.out.contains("incomplete"), listed) << ending << sync.text();
    EXPECT_FALSE(fs::exists(scene.stores[0].directory + "/" + new_set())) << ending;
    EXPECT_TRUE(fs::exists(scene.stores[0].directory + "/" + old_set())) << sync.text();
    change(scene.agent.sets_directory(), ending,
           [](std::string& text) { text[text.size() / 2] ^= 1; });
  }
}

}  // namespace
}  // namespace snap::faults
