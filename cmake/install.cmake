# `./dev install PREFIX`: the program, what to read about it, and examples.
include(GNUInstallDirs)

if(TARGET conjoin)
	install(TARGETS conjoin RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES README.md LICENSE CONTRIBUTING.md DESTINATION
	${CMAKE_INSTALL_DATADIR}/doc/conjoin)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/conjoin)
install(DIRECTORY examples/ DESTINATION
	${CMAKE_INSTALL_DATADIR}/doc/conjoin/examples)
if(TARGET manual_pages)
	install(DIRECTORY ${CMAKE_BINARY_DIR}/man/ DESTINATION
		${CMAKE_INSTALL_MANDIR})
endif()
install(FILES tools/completion/conjoin.bash DESTINATION
	${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME conjoin)
install(FILES tools/completion/_conjoin DESTINATION
	${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES tools/completion/conjoin.fish DESTINATION
	${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
