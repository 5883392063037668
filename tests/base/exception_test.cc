#include "base/exception.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>

namespace snap {
namespace {

TEST(Exception, IsToldInWordsWithWhatToDo) {
  EXPECT_EQ(error_of(std::bad_alloc()).message, "out of memory");
  EXPECT_NE(error_of(std::bad_alloc()).hint, "");
  auto thread = error_of(std::system_error(EAGAIN, std::generic_category()));
  EXPECT_EQ(thread.message, "no thread could be started");
  EXPECT_NE(thread.hint.find("ulimit -u"), std::string::npos);
  EXPECT_EQ(error_of(std::runtime_error("a bug")).message, "a bug");
  EXPECT_EQ(error_of(std::system_error(EIO, std::generic_category())).message,
            "Input/output error");
}

}  // namespace
}  // namespace snap
