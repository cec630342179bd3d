# Installs the library as CMake package `moq`, with the targets moq::net,
# moq::native and moq::media. Included last: it aggregates the folders' libraries.
#
#   moq::net     sessions, tracks and their cache; no I/O
#   moq::native  event loop, QUIC, client and server
#   moq::media   catalog, containers, import and export

include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY MOQ_LIBRARIES)
# Helpers of tests, and the relay's own code, are nobody else's.
list(FILTER libraries EXCLUDE REGEX "testing|^moq_relay")

set(installed "")
foreach(part net native media)
  set(members ${libraries})
  list(FILTER members INCLUDE REGEX "^moq_${part}(_|$)")
  if(NOT members)
    continue()
  endif()
  if(TARGET moq_${part})
    # A part that is one folder is its own library.
    set_target_properties(moq_${part} PROPERTIES EXPORT_NAME ${part})
  else()
    add_library(moq_${part} INTERFACE)
    target_link_libraries(moq_${part} INTERFACE ${members})
    set_target_properties(moq_${part} PROPERTIES EXPORT_NAME ${part})
    list(APPEND installed moq_${part})
  endif()
  add_library(moq::${part} ALIAS moq_${part})
  list(APPEND installed ${members})
  install(
    DIRECTORY src/${part}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/moq
    COMPONENT development
    FILES_MATCHING
    PATTERN "*.h"
    PATTERN testing EXCLUDE)
endforeach()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/moq)
install(TARGETS ${installed} EXPORT moqTargets ARCHIVE COMPONENT development)
install(EXPORT moqTargets NAMESPACE moq:: DESTINATION ${package} COMPONENT development)
configure_package_config_file(cmake/moqConfig.cmake.in ${CMAKE_BINARY_DIR}/moqConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/moqConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/moqConfig.cmake ${CMAKE_BINARY_DIR}/moqConfigVersion.cmake
        DESTINATION ${package} COMPONENT development)
