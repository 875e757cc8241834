-- written by wb findings
-- The evidence of all findings.
.headers on
.mode column

.print
.print "F1. attention attention runs at 4% of its roofline: 231 µs a step above its floor."

.print
.print "Kernels of attention attention"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND start BETWEEN 1532697663 AND 1599324227
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId, k.graphNodeId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE k.kernel IN ('decode_attention')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F2. mlp gate_up_proj runs at 80% of its roofline: 116.5 µs a step above its floor."

.print
.print "Kernels of mlp gate_up_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND start BETWEEN 1532697663 AND 1599324227
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId, k.graphNodeId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE (k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES ('gemv_q8_0', 528, 1, 1))
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F3. 1 of 4 kernels hold 82% of decode's kernel time."

.print
.print "The heaviest kernels"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND start BETWEEN 1532697663 AND 1599324227
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId, k.graphNodeId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE k.kernel IN ('gemv_q8_0')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 5;

.print
.print "F4. mlp gate_up_proj runs at 35% of its roofline: 2095 µs a step above its floor."

.print
.print "Kernels of mlp gate_up_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND (start BETWEEN 1523413602 AND 1531710946
    OR start BETWEEN 1531851289 AND 1531879789)
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE (k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES ('dequantise_q8_0', 3040, 1, 1), ('nvjet_sm90_tss_168x128_64x5_1x2_h_bz_TNN', 2, 66, 1), ('swiglu', 608, 1, 1))
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F5. mlp down_proj runs at 86% of its roofline: 38.44 µs a step above its floor."

.print
.print "Kernels of mlp down_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND start BETWEEN 1532697663 AND 1599324227
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId, k.graphNodeId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE (k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES ('gemv_q8_0', 320, 1, 1))
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F6. mlp down_proj runs at 34% of its roofline: 1105 µs a step above its floor."

.print
.print "Kernels of mlp down_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND (start BETWEEN 1523413602 AND 1531710946
    OR start BETWEEN 1531851289 AND 1531879789)
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE k.correlationId IN (7078, 7083, 7107, 7112, 7136, 7141, 7165, 7170, 7194, 7199, 7223, 7228, 7252, 7257, 7281, 7286, 7310, 7315, 7339, 7344, 7368, 7373, 7397, 7402, 7426, 7431, 7455, 7460, 7484, 7489, 7513, 7518, 7542, 7547, 7571, 7576, 7600, 7605, 7629, 7634, 7658, 7663, 7687, 7692, 7716, 7721, 7745, 7750, 7774, 7779, 7803, 7808, 7832, 7837, 7861, 7866, 7890, 7895, 7919, 7924, 7948, 7953, 7977, 7982, 8006, 8011, 8035, 8040, 8064, 8069, 8093, 8098)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F7. 4 of 11 kernels hold 85% of prefill's kernel time."

.print
.print "The heaviest kernels"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND (start BETWEEN 1523413602 AND 1531710946
    OR start BETWEEN 1531851289 AND 1531879789)
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE k.kernel IN ('dequantise_q8_0', 'nvjet_sm90_tss_168x128_64x5_1x2_h_bz_TNN', 'nvjet_sm90_tss_96x64_64x10_2x4_h_badd_TNN', 'prefill_attention')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 5;

.print
.print "F8. attention qkv_proj runs at 38% of its roofline: 591 µs a step above its floor."

.print
.print "Kernels of attention qkv_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND (start BETWEEN 1523413602 AND 1531710946
    OR start BETWEEN 1531851289 AND 1531879789)
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE (k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES ('dequantise_q8_0', 960, 1, 1), ('nvjet_sm90_tss_192x64_64x6_1x2_h_bz_TNT', 2, 64, 1))
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F9. rms_norm always precedes dequantise_q8_0 (72 times a step) and could be fused into it."

.print
.print "The kernel that could go: rms_norm"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND (start BETWEEN 1523413602 AND 1531710946
    OR start BETWEEN 1531851289 AND 1531879789)
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE k.kernel IN ('rms_norm')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F10. rope always precedes prefill_attention (36 times a step) and could be fused into it."

.print
.print "The kernel that could go: rope"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND (start BETWEEN 1523413602 AND 1531710946
    OR start BETWEEN 1531851289 AND 1531879789)
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE k.kernel IN ('rope')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F11. argmax always follows gemv_q8_0 (1 times a step) and could be fused into it."

.print
.print "The kernel that could go: argmax"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND start BETWEEN 1532697663 AND 1599324227
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId, k.graphNodeId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE k.kernel IN ('argmax')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F12. Prefill makes 3 small copies a step (at most 64 KiB each)."

.print
.print "Copies of at most 64 KiB"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND (start BETWEEN 1523352224 AND 1523381113
    OR start BETWEEN 1531781602 AND 1531781602)
),
copies AS (
  SELECT CASE m.copyKind WHEN 0 THEN 'memcpy_unknown' WHEN 1 THEN 'memcpy_h2d' WHEN 2 THEN 'memcpy_d2h' WHEN 3 THEN 'memcpy_h2a' WHEN 4 THEN 'memcpy_a2h' WHEN 5 THEN 'memcpy_a2a' WHEN 6 THEN 'memcpy_a2d' WHEN 7 THEN 'memcpy_d2a' WHEN 8 THEN 'memcpy_d2d' WHEN 9 THEN 'memcpy_h2h' WHEN 10 THEN 'memcpy_p2p' WHEN 11 THEN 'memcpy_uvm_h2d' WHEN 12 THEN 'memcpy_uvm_d2h' WHEN 13 THEN 'memcpy_uvm_d2d' END AS kind, m.bytes,
    coalesce(m.srcKind, -1) = 0 OR coalesce(m.dstKind, -1) = 0 AS pageable,
    m.end - m.start AS duration_ns
  FROM CUPTI_ACTIVITY_KIND_MEMCPY AS m
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT kind, bytes, pageable, count(*) AS calls, sum(duration_ns) AS total_ns FROM copies
WHERE (kind, bytes, pageable) IN (VALUES ('memcpy_d2d', 10240, 0), ('memcpy_h2d', 4, 1), ('memcpy_h2d', 1024, 1))
GROUP BY kind, bytes, pageable ORDER BY calls DESC, kind, bytes;

.print
.print "F13. Prefill copies from or to pageable memory 2 times a step."

.print
.print "Copies from or to pageable memory"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND (start BETWEEN 1523352224 AND 1523381113
    OR start BETWEEN 1531781602 AND 1531781602)
),
copies AS (
  SELECT CASE m.copyKind WHEN 0 THEN 'memcpy_unknown' WHEN 1 THEN 'memcpy_h2d' WHEN 2 THEN 'memcpy_d2h' WHEN 3 THEN 'memcpy_h2a' WHEN 4 THEN 'memcpy_a2h' WHEN 5 THEN 'memcpy_a2a' WHEN 6 THEN 'memcpy_a2d' WHEN 7 THEN 'memcpy_d2a' WHEN 8 THEN 'memcpy_d2d' WHEN 9 THEN 'memcpy_h2h' WHEN 10 THEN 'memcpy_p2p' WHEN 11 THEN 'memcpy_uvm_h2d' WHEN 12 THEN 'memcpy_uvm_d2h' WHEN 13 THEN 'memcpy_uvm_d2d' END AS kind, m.bytes,
    coalesce(m.srcKind, -1) = 0 OR coalesce(m.dstKind, -1) = 0 AS pageable,
    m.end - m.start AS duration_ns
  FROM CUPTI_ACTIVITY_KIND_MEMCPY AS m
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT kind, bytes, pageable, count(*) AS calls, sum(duration_ns) AS total_ns FROM copies
WHERE (kind, bytes, pageable) IN (VALUES ('memcpy_h2d', 4, 1), ('memcpy_h2d', 1024, 1))
GROUP BY kind, bytes, pageable ORDER BY calls DESC, kind, bytes;

.print
.print "F14. argmax always follows gemv_q8_0 (1 times a step) and could be fused into it."

.print
.print "The kernel that could go: argmax"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281531666926899 AND (start BETWEEN 1523413602 AND 1531710946
    OR start BETWEEN 1531851289 AND 1531879789)
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,
  1.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE k.kernel IN ('argmax')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;
