# Counts the tests in the output of `ctest -V`: "PASSED FAILED". A cmocka
# program counts its cases, any other program is one test; one that crashed
# fails once, whatever it had passed before.
#
# SPDX-License-Identifier: Apache-2.0
/^[0-9]+: \[  PASSED  \] [0-9]+ test/ { ok[$1 + 0] += $5 }
/^[0-9]+: \[  FAILED  \] [0-9]+ test/ { bad[$1 + 0] += $5 }
/ Test +#[0-9]+: / {
	match($0, /#[0-9]+/)
	test = substr($0, RSTART + 1, RLENGTH - 1) + 0
	passed += ok[test]
	if (/ Passed +[0-9.]+ sec/)
		passed += !(test in ok)
	else
		failed += test in bad ? bad[test] : 1
}
END { print passed + 0, failed + 0 }
