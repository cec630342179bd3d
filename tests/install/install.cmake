# Installs anew, so that nothing of an earlier installation can hide a gap.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX} OUTPUT_QUIET
                COMMAND_ERROR_IS_FATAL ANY)
file(GLOB_RECURSE helpers ${PREFIX}/include/*/testing/*.h)
if(helpers)
  message(FATAL_ERROR "a test's helper was installed: ${helpers}")
endif()
