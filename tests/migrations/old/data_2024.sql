-- What a server of 2024 may have: shared datasets, some of no further use, results told twice, counters gone wrong.
INSERT INTO users (id, admin, created_at, email, experiment, institution, name, pending, refresh_token, sub, updated_at) VALUES
    (1, true, '2024-01-10 08:00:00.000001', 'ada@example.org', 'ATLAS', 'Geneva', 'Ada', false, 'token-of-ada', 'sub-1', '2024-01-10 08:00:00'),
    (2, false, '2024-01-11 08:00:00', 'bob@example.org', NULL, NULL, 'Bob', true, NULL, 'sub-2', NULL),
    (9, NULL, NULL, 'robert@example.org', NULL, NULL, 'Bob again', NULL, NULL, 'sub-2', NULL);

INSERT INTO datasets (id, name, last_used, last_updated, did_finder, n_files, size, events, lookup_status) VALUES
    (3, 'rucio://mc23:x', '2024-03-01 10:00:00', '2024-03-01 10:00:01', 'rucio', 3, 6000, 60, 'complete'),
    (4, 'rucio://mc23:empty', '2024-03-01 10:00:00', NULL, 'rucio', 0, NULL, NULL, 'complete'),
    (5, 'rucio://mc23:twice', '2024-03-01 10:00:00', NULL, 'rucio', 2, 20, 2, 'complete'),
    (6, 'rucio://mc23:open', '2024-03-01 10:00:00', NULL, 'rucio', NULL, NULL, NULL, 'looking');

INSERT INTO files (id, dataset_id, adler32, file_size, file_events, paths) VALUES
    (31, 3, 'a1', 1000, 10, 'root://one//a.root,root://two//a.root'),
    (32, 3, NULL, 2000, 20, 'root://one//b.root'),
    (33, 3, NULL, 3000, 30, 'root://one//c.root'),
    (51, 5, NULL, 10, 1, 'root://one//t.root'),
    (52, 5, NULL, 10, 1, 'root://one//t.root');

INSERT INTO requests (id, request_id, title, submit_time, finish_time, did, did_id, selection, tree_name, image, workers, result_destination, result_format, submitted_by, files, files_completed, files_failed, total_events, total_bytes, did_lookup_time, generated_code_cm, status, failure_description, app_version, code_gen_image, transformer_language, transformer_command) VALUES
    (1, '2024a000-0000-4000-8000-000000000001', 'Muons', '2024-03-01 10:00:00.250000', '2024-03-01 10:05:00', 'rucio://mc23:x', 3, '(call EventDataset)', 'Events', 'sslhep/image:1', 10, 'object-store', 'root-file', 1, 3, 3, 1, NULL, NULL, NULL, '2024a000-0000-4000-8000-000000000001-generated-source', 'complete', NULL, '1.5.2', 'codegen:1', 'python', '/generated/transform_single_file.py'),
    (2, '2024a000-0000-4000-8000-000000000002', NULL, '2024-03-02 10:00:00', '2024-03-02 10:05:00', 'rucio://mc23:x', 3, 's', NULL, NULL, NULL, 'volume', 'parquet', 2, 3, 1, 0, NULL, NULL, NULL, NULL, 'canceled', NULL, NULL, NULL, NULL, NULL),
    (3, '2024a000-0000-4000-8000-000000000003', NULL, '2024-03-03 10:00:00', '2024-03-03 10:05:00', 'rucio://mc23:twice', 5, 's', NULL, NULL, 1, 'object-store', 'root-file', 1, 2, 2, 0, NULL, NULL, NULL, NULL, 'complete', NULL, NULL, NULL, NULL, NULL),
    (4, '2024a000-0000-4000-8000-000000000004', NULL, '2024-03-04 10:00:00', NULL, 'rucio://mc23:open', 6, 's', NULL, NULL, 1, 'object-store', 'root-file', NULL, 0, 0, 0, NULL, NULL, NULL, NULL, 'lookup', NULL, NULL, NULL, NULL, NULL),
    (7, '2024a000-0000-4000-8000-000000000007', NULL, '2024-03-05 10:00:00', '2024-03-05 10:05:00', 'rucio://mc23:empty', 4, NULL, NULL, NULL, 1, 'object-store', 'root-file', 1, NULL, 0, 0, NULL, NULL, NULL, NULL, 'fatal', 'It broke', NULL, NULL, NULL, NULL);

INSERT INTO transform_result (id, did, file_id, file_path, request_id, transform_status, transform_time, total_events, total_bytes, avg_rate) VALUES
    (101, 'rucio://mc23:x', 31, 'root://one//a.root', '2024a000-0000-4000-8000-000000000001', 'success', 7, 10, 500, 1.5),
    (102, 'rucio://mc23:x', 32, 'root://one//b.root', '2024a000-0000-4000-8000-000000000001', 'failure', 3, 0, 0, 0),
    (103, 'rucio://mc23:x', 32, 'root://one//b.root', '2024a000-0000-4000-8000-000000000001', 'success', 4, 20, 600, 5),
    (104, 'rucio://mc23:x', 33, 'root://one//c.root', '2024a000-0000-4000-8000-000000000001', 'failure', 1, 0, 0, 0),
    (105, 'rucio://mc23:x', 31, 'root://two//a.root', '2024a000-0000-4000-8000-000000000001', 'success', 8, 10, 500, 1.25),
    (201, 'rucio://mc23:x', 31, 'root://two//a.root', '2024a000-0000-4000-8000-000000000002', 'success', 9, 30, 3000000000, 3.3),
    (301, 'rucio://mc23:twice', 51, 'root://one//t.root', '2024a000-0000-4000-8000-000000000003', 'success', 1, 1, 5, 1),
    (302, 'rucio://mc23:twice', 52, 'root://one//t.root', '2024a000-0000-4000-8000-000000000003', 'success', 1, 1, 5, 1);
