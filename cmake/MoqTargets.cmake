# Targets of this project: moq_library, moq_program, moq_test.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(MOQ_CCACHE ccache)
if(MOQ_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths are hashed relative to the source, so that every clone and work tree on
  # a machine shares what any of them has compiled. (Precompiled headers were
  # measured: sanitized code generation, not parsing, is what takes the time.)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${MOQ_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

# What every target of ours is compiled with; never exported.
add_library(moq_build_flags INTERFACE)
target_compile_options(
  moq_build_flags
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Woverloaded-virtual
            -Wconversion
            -Wno-sign-conversion
            # Designated initialisers leave members to their defaults.
            -Wno-missing-field-initializers
            -Werror)
if(MOQ_SANITIZE)
  target_compile_options(moq_build_flags INTERFACE -fsanitize=${MOQ_SANITIZE} -fno-sanitize-recover=all
                                                   -fno-omit-frame-pointer)
  target_link_options(moq_build_flags INTERFACE -fsanitize=${MOQ_SANITIZE})
  if(MOQ_NO_SANITIZE)
    target_compile_options(moq_build_flags INTERFACE -fno-sanitize=${MOQ_NO_SANITIZE})
  endif()
  if(MOQ_SANITIZE MATCHES "thread")
    # Asio's headers have fences, which ThreadSanitizer does not see; it does see
    # the locks beside them.
    target_compile_options(moq_build_flags INTERFACE -Wno-tsan)
  endif()
endif()
if(MOQ_BUILD_FUZZERS)
  # Coverage in the libraries is what guides the fuzzer.
  target_compile_options(moq_build_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# moq_library(NAME FILES... [PUBLIC targets...] [PRIVATE targets...])
#
# A static library for one folder, as target moq_NAME. PUBLIC: what its headers
# include. PRIVATE: what only its sources do.
function(moq_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FILES;PUBLIC;PRIVATE")
  add_library(moq_${name} STATIC ${arg_FILES})
  target_include_directories(
    moq_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
                       $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/moq>)
  target_compile_features(moq_${name} PUBLIC cxx_std_20)
  target_link_libraries(moq_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE}
                                           $<BUILD_INTERFACE:moq_build_flags>)
  set_property(GLOBAL APPEND PROPERTY MOQ_LIBRARIES moq_${name})
endfunction()

# moq_program(NAME FILES... [LINK targets...])
function(moq_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FILES;LINK")
  add_executable(${name} ${arg_FILES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE ${arg_LINK} moq_build_flags)
endfunction()

# moq_test(NAME FILES... [LINK targets...] [TIMEOUT seconds]): GoogleTest cases, found by
# ctest, each of which may take so long (300 s).
function(moq_test name)
  if(NOT MOQ_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "FILES;LINK")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_FILES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${arg_LINK} moq_build_flags GTest::gmock GTest::gtest_main)
  # Expectations are many and run once: optimising them costs more than it saves.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Debug>:-O0>)
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT ${arg_TIMEOUT})
endfunction()
