# snap_warnings(TARGET): the warnings that all of our code is compiled with, as errors. GCC 14 takes the value of a std::expected
# that was looked at for uninitialised when it inlines, and designated initializers leave out fields on purpose: two exceptions.
function(snap_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wvla -Wimplicit-fallthrough
                                           $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> -Wno-missing-field-initializers -Werror)
endfunction()

# snap_room(NAME SOURCES file.cc... HEADERS file.h... USES room... LIBS target...)
#
# A room: the static library snap_NAME. Its headers are a header set, so each is compiled alone (target
# all_verify_interface_header_sets). USES lists the rooms it may include and links them; the ctest `walls` reads the same
# lists. LIBS are third-party targets and stay private: no header of a room may need them.
function(snap_room name)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "" "SOURCES;HEADERS;USES;LIBS")
  if(room_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "snap_room(${name}): unknown arguments ${room_UNPARSED_ARGUMENTS}")
  endif()
  set(target snap_${name})
  add_library(${target} STATIC ${room_SOURCES})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/agent FILES ${room_HEADERS})
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON LINKER_LANGUAGE CXX)
  list(TRANSFORM room_USES PREPEND snap_)
  target_link_libraries(${target} PUBLIC ${room_USES} PRIVATE ${room_LIBS} Threads::Threads)
  snap_warnings(${target})
endfunction()

# snap_test(NAME SOURCES file.cc... USES room... LIBS target... [LABEL etcd|servers|slow] [TIMEOUT seconds])
#
# The test program test_NAME; each case is a ctest line of its own. Tests of a room NAME share its folder name. What starts real
# etcd has the label etcd, other real servers servers, what takes more than about 10 s slow: CI runs none of them under the sanitizers.
function(snap_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "" "TIMEOUT;LABEL" "SOURCES;USES;LIBS")
  if(test_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "snap_test(${name}): unknown arguments ${test_UNPARSED_ARGUMENTS}")
  endif()
  set(target test_${name})
  add_executable(${target} ${test_SOURCES})
  list(TRANSFORM test_USES PREPEND snap_)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/agent ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${target} PRIVATE SNAP_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data"
                                               SNAP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE ${test_USES} ${test_LIBS} GTest::gmock GTest::gtest_main)
  snap_warnings(${target})
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 120)
  endif()
  # DISCOVERY_TIMEOUT: a sanitized program on a busy machine needs more than the usual 5 s to list its tests.
  gtest_discover_tests(${target} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT ${test_TIMEOUT} LABELS "${test_LABEL}")
endfunction()
