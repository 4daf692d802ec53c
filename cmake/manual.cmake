# Manual pages, from the tables of the program and from docs/.
if(NOT TARGET cli)
	return()
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_executable(manual tools/manual.c)
target_link_libraries(manual PRIVATE cli)
set(manual_folder ${CMAKE_BINARY_DIR}/man)
set(manual_source ${CMAKE_SOURCE_DIR}/docs/reference/configuration.md)
add_custom_command(OUTPUT ${manual_folder}/man5/conjoin.yaml.5
	COMMAND manual ${manual_folder}
	COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/page.py
		conjoin.yaml 5 "the configuration folder of conjoin"
		${manual_source} > ${manual_folder}/man5/conjoin.yaml.5
	DEPENDS manual ${manual_source} ${CMAKE_SOURCE_DIR}/tools/page.py
	VERBATIM)
add_custom_target(manual_pages ALL
	DEPENDS ${manual_folder}/man5/conjoin.yaml.5)
