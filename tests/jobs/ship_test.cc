// One set on its way to a place, and whose fault it is when it does not arrive.
#include "jobs/ship.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "jobs/make_set.h"
#include "support/faulty_destination.h"

namespace snap::jobs {
namespace {

namespace fs = std::filesystem;
using test::Fault;
using testing::AllOf;
using testing::HasSubstr;

// Gives its files a little at a time, and counts how often they are read.
class SlowPlace : public test::FaultyDestination {
 public:
  explicit SlowPlace(const std::string& directory)
      : FaultyDestination(open_place(directory), std::make_shared<Fault>()) {}

  Result<std::unique_ptr<stream::Source>> open(const std::string& group,
                                               const std::string& file) override {
    auto source = TRY(FaultyDestination::open(group, file));
    if (file != kManifest) ++reads;
    return std::make_unique<SlowSource>(std::move(source));
  }
  int reads = 0;

 private:
  class SlowSource : public stream::Source {
   public:
    explicit SlowSource(std::unique_ptr<Source> source) : source_(std::move(source)) {}
    Result<size_t> read(MutableBytes into) override {
      return source_->read(into.first(std::min<size_t>(into.size(), 1000)));
    }

   private:
    std::unique_ptr<Source> source_;
  };
};

class Ship : public testing::Test {
 protected:
  Ship() {
    fs::create_directory(dir_.path("here"));
    fs::permissions(dir_.path("here"), fs::perms(0700));
    make_set(dir_.path("here"));
    from_ = std::make_unique<SlowPlace>(dir_.path("here"));
    to_ = std::make_unique<test::FaultyDestination>(open_place(dir_.path("there")), fault_);
  }

  std::string here(const std::string& file) { return dir_.path("here/" + kSet + "/" + file); }
  std::string there(const std::string& file) { return dir_.path("there/" + kSet + "/" + file); }
  static void spoil(const std::string& file, size_t at = 100) {
    auto text = read_text(file);
    text.at(at) ^= 1;
    write_text(file, text);
  }

  Result<Shipped> ship(const ShipOptions& options = {}) {
    return ship_set(*from_, "local", *to_, kSet, options);
  }

  test::TempDir dir_;
  std::shared_ptr<Fault> fault_ = std::make_shared<Fault>();
  std::unique_ptr<SlowPlace> from_;
  std::unique_ptr<dest::Destination> to_;
};

TEST_F(Ship, ReadsTheSourceOnceWhenAllIsWell) {
  auto shipped = ship();
  ASSERT_TRUE(shipped) << describe(shipped.error());
  EXPECT_EQ(from_->reads, 2);  // two files
  for (const auto& file : {kSnapshot, kArchive, kManifest})
    EXPECT_TRUE(read_text(here(file)) == read_text(there(file))) << file;
}

TEST_F(Ship, TellsOfEveryByteWhileItIsSent) {
  uint64_t told = 0;
  int times = 0;
  ShipOptions options{.progress = [&](uint64_t bytes) {
    told += bytes;
    ++times;
  }};
  auto total = fs::file_size(here(kSnapshot)) + fs::file_size(here(kArchive));
  ASSERT_TRUE(ship(options));
  EXPECT_EQ(told, total);
  EXPECT_GT(times, 5);
  // There already: told as each is proven.
  told = 0;
  times = 0;
  ASSERT_TRUE(ship(options));
  EXPECT_EQ(told, total);
  EXPECT_EQ(times, 2);
}

TEST_F(Ship, SaysThatTheSourceIsDamagedAndPublishesNothing) {
  spoil(here(kSnapshot));
  auto shipped = ship();
  ASSERT_FALSE(shipped);
  EXPECT_EQ(shipped.error().code, Code::corrupt);
  EXPECT_THAT(describe(shipped.error()),
              AllOf(HasSubstr("local: " + kSnapshot), HasSubstr("the manifest says"),
                    HasSubstr("etcd-snapshot verify " + kSet)));
  EXPECT_TRUE(to_->list().value().empty());
  EXPECT_TRUE(to_->leftovers().value().empty());
}

TEST_F(Ship, SaysThatTheSourceIsTooShort) {
  auto text = read_text(here(kSnapshot));
  write_text(here(kSnapshot), text.substr(0, text.size() - 1));
  auto shipped = ship();
  ASSERT_FALSE(shipped);
  EXPECT_EQ(shipped.error().code, Code::corrupt);
  EXPECT_THAT(shipped.error().message, HasSubstr(std::format("{} bytes", text.size() - 1)));
  EXPECT_TRUE(to_->list().value().empty());
}

TEST_F(Ship, SaysThatThePlaceGivesBackSomethingElse) {
  fault_->at = Fault::At::open;
  fault_->flip = true;
  auto shipped = ship();
  ASSERT_FALSE(shipped);
  EXPECT_EQ(shipped.error().code, Code::unavailable);
  EXPECT_THAT(shipped.error().message, HasSubstr("does not give back what it was sent"));
  EXPECT_TRUE(to_->list().value().empty());
}

// What a try left that was cut: both files, and nobody knows whether they ever were durable.
class ShipTakenOver : public Ship {
 protected:
  ShipTakenOver() {
    for (const auto& file : {kSnapshot, kArchive}) {
      auto sink = lost_->create(file).value();
      if (!sink->write(as_bytes(read_text(here(file)))) || !sink->finish())
        throw std::runtime_error("write " + file);
    }
  }

  std::unique_ptr<dest::Incoming> lost_ = to_->begin(kSet).value();
};

TEST_F(ShipTakenOver, SyncsWhatItBelieves) {
  fault_->at = Fault::At::sync;
  fault_->times = 1;
  auto cut = ship({.take_over = true});
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error().message, HasSubstr("sync " + kSnapshot));
  EXPECT_TRUE(to_->list().value().empty());
}

TEST_F(ShipTakenOver, SendsAnewWhatIsDamaged) {
  spoil(dir_.path("there/" + dest::incoming_name(kSet) + "/" + kSnapshot));
  auto shipped = ship({.take_over = true});
  ASSERT_TRUE(shipped) << describe(shipped.error());
  EXPECT_EQ(from_->reads, 1);
  EXPECT_TRUE(read_text(here(kSnapshot)) == read_text(there(kSnapshot)));
}

// A proof that could not be made says nothing about the file.
TEST_F(ShipTakenOver, SendsNothingAnewBecauseAProofWasCut) {
  fault_->at = Fault::At::open;
  fault_->code = Code::timeout;
  fault_->times = 1;
  auto cut = ship({.take_over = true});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Code::timeout);
  EXPECT_EQ(from_->reads, 0);
}

TEST_F(ShipTakenOver, SendsOnlyWhatIsMissing) {
  uint64_t told = 0;
  auto shipped = ship({.take_over = true, .progress = [&](uint64_t bytes) { told += bytes; }});
  ASSERT_TRUE(shipped) << describe(shipped.error());
  EXPECT_EQ(from_->reads, 0);
  EXPECT_EQ(told, fs::file_size(here(kSnapshot)) + fs::file_size(here(kArchive)));
  EXPECT_TRUE(read_text(here(kSnapshot)) == read_text(there(kSnapshot)));
}

}  // namespace
}  // namespace snap::jobs
