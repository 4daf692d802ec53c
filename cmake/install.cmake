# `./dev install PREFIX`: the program, what to read about it, and examples.
include(GNUInstallDirs)

if(TARGET conjoin)
	install(TARGETS conjoin RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/conjoin)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/conjoin)
install(DIRECTORY examples/ DESTINATION
	${CMAKE_INSTALL_DATADIR}/conjoin/examples)
