# The texts of templates/, as a C file of the room cli.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(templates_source ${CMAKE_BINARY_DIR}/templates.c)
set(templates_tool ${CMAKE_SOURCE_DIR}/tools/embed_templates.py)
file(GLOB_RECURSE templates_files CONFIGURE_DEPENDS
	${CMAKE_SOURCE_DIR}/templates/*)
add_custom_command(OUTPUT ${templates_source}
	COMMAND ${Python3_EXECUTABLE} ${templates_tool}
		${CMAKE_SOURCE_DIR}/templates ${templates_source}
	DEPENDS ${templates_tool} ${templates_files}
	VERBATIM)
target_sources(cli PRIVATE ${templates_source})
# texts longer than what every C compiler must take
set_source_files_properties(${templates_source} PROPERTIES
	COMPILE_OPTIONS -Wno-overlength-strings)
