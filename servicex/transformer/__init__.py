"""What runs beside the data: a child process that applies one generated program to one file after the other.

The server sends first `{program, language, command, result_format, scratch}` and then for each file `{paths, output}`,
with `fetched` if there is a local copy of the first path. Each file is answered by a success `{status, path,
total_events, output_size, seconds}` or a failure `{status, error_class, message, trace, retryable}`. A child serves one
transform only, so that users' programs never meet.
"""

TARGET = "servicex.transformer.serve:serve"
