# `./dev install PREFIX`: the program, what to read about it, and examples.
include(GNUInstallDirs)

if(TARGET conjoin)
	install(TARGETS conjoin RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
# For plug-ins: the contract and what it needs.
foreach(header base/arena base/clock base/error base/hash base/log base/map
		base/secret base/strbuf base/sv base/text base/vec model/dn
		model/object model/setting model/value connector/connector
		connector/plugin connector/schema)
	get_filename_component(room ${header} DIRECTORY)
	install(FILES src/${header}.h DESTINATION
		${CMAKE_INSTALL_INCLUDEDIR}/conjoin/${room})
endforeach()
configure_file(cmake/conjoin.pc.in ${CMAKE_BINARY_DIR}/conjoin.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/conjoin.pc DESTINATION
	${CMAKE_INSTALL_DATADIR}/pkgconfig)
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
