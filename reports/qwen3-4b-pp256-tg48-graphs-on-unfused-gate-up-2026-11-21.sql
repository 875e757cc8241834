-- written by wb findings
-- The evidence of all findings.
.headers on
.mode column

.print
.print "F1. Each mlp layer runs 2 small products of one input (gate_up_proj)."

.print
.print "mlp gate_up_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND start BETWEEN 1637816484 AND 1714883364
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
.print "F2. mlp gate_up_proj runs at 58% of its roofline: 338.2 µs a step above its floor."

.print
.print "Kernels of mlp gate_up_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND start BETWEEN 1637816484 AND 1714883364
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
WHERE (k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES ('gemv_q8_0', 528, 1, 1), ('swiglu', 3, 1, 1))
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F3. attention attention runs at 4% of its roofline: 232.9 µs a step above its floor."

.print
.print "Kernels of attention attention"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND start BETWEEN 1637816484 AND 1714883364
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
.print "F4. 2 of 5 kernels hold 92% of decode's kernel time."

.print
.print "The heaviest kernels"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND start BETWEEN 1637816484 AND 1714883364
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
WHERE k.kernel IN ('decode_attention', 'gemv_q8_0')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 5;

.print
.print "F5. swiglu always follows gemv_q8_0 (36 times a step) and could be fused into it."

.print
.print "The kernel that could go: swiglu"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND start BETWEEN 1637816484 AND 1714883364
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
WHERE k.kernel IN ('swiglu')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F6. mlp gate_up_proj runs at 34% of its roofline: 2116 µs a step above its floor."

.print
.print "Kernels of mlp gate_up_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND (start BETWEEN 1629258035 AND 1634613699
    OR start BETWEEN 1634715877 AND 1634734092)
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
WHERE (k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES ('swiglu', 608, 1, 1), ('dequantise_q8_0', 3040, 1, 1), ('nvjet_sm90_tss_168x128_64x5_1x2_h_bz_TNN', 2, 66, 1))
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F7. mlp down_proj runs at 84% of its roofline: 42.56 µs a step above its floor."

.print
.print "Kernels of mlp down_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND start BETWEEN 1637816484 AND 1714883364
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
.print "F8. mlp down_proj runs at 33% of its roofline: 1113 µs a step above its floor."

.print
.print "Kernels of mlp down_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND (start BETWEEN 1629258035 AND 1634613699
    OR start BETWEEN 1634715877 AND 1634734092)
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
WHERE k.correlationId IN (7306, 7311, 7335, 7340, 7364, 7369, 7393, 7398, 7422, 7427, 7451, 7456, 7480, 7485, 7509, 7514, 7538, 7543, 7567, 7572, 7596, 7601, 7625, 7630, 7654, 7659, 7683, 7688, 7712, 7717, 7741, 7746, 7770, 7775, 7799, 7804, 7828, 7833, 7857, 7862, 7886, 7891, 7915, 7920, 7944, 7949, 7973, 7978, 8002, 8007, 8031, 8036, 8060, 8065, 8089, 8094, 8118, 8123, 8147, 8152, 8176, 8181, 8205, 8210, 8234, 8239, 8263, 8268, 8292, 8297, 8321, 8326)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F9. 4 of 11 kernels hold 85% of prefill's kernel time."

.print
.print "The heaviest kernels"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND (start BETWEEN 1629258035 AND 1634613699
    OR start BETWEEN 1634715877 AND 1634734092)
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
.print "F10. attention qkv_proj runs at 37% of its roofline: 601.5 µs a step above its floor."

.print
.print "Kernels of attention qkv_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND (start BETWEEN 1629258035 AND 1634613699
    OR start BETWEEN 1634715877 AND 1634734092)
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
.print "F11. rms_norm always precedes dequantise_q8_0 (72 times a step) and embed always precedes rms_norm (1 times a step); they could be fused into dequantise_q8_0."

.print
.print "The kernel that could go: rms_norm"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND (start BETWEEN 1629258035 AND 1634613699
    OR start BETWEEN 1634715877 AND 1634734092)
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
.print "The kernel that could go: embed"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND (start BETWEEN 1629258035 AND 1634613699
    OR start BETWEEN 1634715877 AND 1634734092)
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
WHERE k.kernel IN ('embed')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F12. rope always precedes prefill_attention (36 times a step) and could be fused into it."

.print
.print "The kernel that could go: rope"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND (start BETWEEN 1629258035 AND 1634613699
    OR start BETWEEN 1634715877 AND 1634734092)
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
.print "F13. Prefill makes 3 small copies a step (at most 64 KiB each)."

.print
.print "Copies of at most 64 KiB"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND (start BETWEEN 1629216796 AND 1629233784
    OR start BETWEEN 1634665041 AND 1634665041)
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
.print "F14. Prefill copies from or to pageable memory 2 times a step."

.print
.print "Copies from or to pageable memory"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281497995052380 AND (start BETWEEN 1629216796 AND 1629233784
    OR start BETWEEN 1634665041 AND 1634665041)
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
