# room(NAME [ROOMS room...] [LIBS target...]): one static library per room.
# ROOMS are the rooms it may use (the same as in src/LAYERS), LIBS outside ones.
# Sources are all .c files of the room's folder and the folders below it.
function(room name)
	cmake_parse_arguments(arg "" "" "ROOMS;LIBS" ${ARGN})
	file(GLOB_RECURSE sources CONFIGURE_DEPENDS
		${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.c)
	list(FILTER sources EXCLUDE REGEX "/main\\.c$")
	if(NOT sources)
		return()
	endif()
	add_library(${name} STATIC ${sources})
	target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
	foreach(other ${arg_ROOMS})
		target_link_libraries(${name} PUBLIC ${other})
	endforeach()
	target_link_libraries(${name} PUBLIC ${arg_LIBS})
endfunction()
