from engine.kernels.log import Resources, explain, parse_resources

RESOURCES = (
    "ptxas info    : 0 bytes gmem\n"
    "ptxas info    : Compiling entry function 'second' for 'sm_90a'\n"
    "ptxas info    : Function properties for second\n"
    "ptxas         .     400 bytes stack frame, 12 bytes spill stores, 8 bytes spill loads\n"
    "ptxas info    : Used 32 registers, used 0 barriers, 400 bytes cumulative stack size\n"
    "ptxas info    : Compile time = 64.262 ms\n"
    "ptxas info    : Compiling entry function 'first' for 'sm_90a'\n"
    "ptxas info    : Function properties for first\n"
    "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
    "ptxas info    : Used 10 registers, used 1 barriers, 256 bytes smem, 408 bytes cmem[0]\n\x00"
)
ERRORS = (
    '\ncommon/h.cuh(3): error: identifier "x" is undefined\n     x + y; }\n     ^\n\n'
    'common/h.cuh(3): error: identifier "y" is undefined\n     x + y; }\n         ^\n\n'
    '2 errors detected in the compilation of "a.cu".\n\x00'
)


def test_every_kernel_has_its_own_resources():
    assert parse_resources(RESOURCES) == (Resources("first", 10, 0, 0, 256), Resources("second", 32, 20, 400, 0))


def test_a_log_without_kernels_has_none():
    assert parse_resources("") == ()


def test_the_first_error_is_shown_with_its_line():
    assert explain(ERRORS) == ('common/h.cuh:3: identifier "x" is undefined (and 1 more)\n     x + y; }\n     ^')


def test_an_error_over_several_lines_is_shown_whole():
    log = (
        'a.cu(7): error: no instance of "f" matches the argument list\n'
        "            argument types are: (int)\n      f(1);\n      ^\n\n1 error detected\n"
    )
    assert explain(log).splitlines() == [
        'a.cu:7: no instance of "f" matches the argument list',
        "            argument types are: (int)",
        "      f(1);",
        "      ^",
    ]


def test_the_assemblers_errors_name_no_line_and_are_shown_as_they_are():
    assert explain("ptxas fatal   : Ptx assembly aborted due to errors\n\x00") == (
        "ptxas fatal   : Ptx assembly aborted due to errors"
    )
