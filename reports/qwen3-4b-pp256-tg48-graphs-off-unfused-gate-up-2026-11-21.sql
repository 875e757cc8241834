-- written by wb findings
-- The evidence of all findings.
.headers on
.mode column

.print
.print "F1. Decode runs without CUDA graphs: 255 launches in the median step."

.print
.print "Launches"
WITH calls AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND start BETWEEN 1684770764 AND 1957137869
),
named AS (
  SELECT s.value AS call, c.start, c.end, max(c.end) OVER (
    PARTITION BY globalTid, CASE WHEN s.value IN ('cuLaunchKernelEx') THEN 1 END
    ORDER BY c.start, c.end DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
  FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
  WHERE s.value IN ('cuLaunchKernelEx')
), counted AS (
  SELECT call, start, end FROM named WHERE reach IS NULL OR end > reach
)
SELECT call, count(*) AS calls, count(*) / 48.0 AS calls_per_step,
  sum(end - start) AS total_ns
FROM counted GROUP BY call ORDER BY total_ns DESC, call;

.print
.print "F2. Decode is launch-bound: the GPU waits to be given work for 66% of the median step."

.print
.print "The median step"
WITH steps(step, begin_ns, end_ns) AS (VALUES (6, 1719021862, 1724689656)),
operations AS (
  SELECT o.start, o.end, c.start AS called, coalesce(s.value, o.what) AS what FROM (
    SELECT start, end, correlationId, globalPid, shortName AS what FROM CUPTI_ACTIVITY_KIND_KERNEL
    UNION ALL SELECT start, end, correlationId, globalPid, 'memcpy' AS what FROM CUPTI_ACTIVITY_KIND_MEMCPY
    UNION ALL SELECT start, end, correlationId, globalPid, 'memset' AS what FROM CUPTI_ACTIVITY_KIND_MEMSET
  ) AS o
  LEFT JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS c
    ON c.correlationId = o.correlationId AND c.globalTid & ~16777215 = o.globalPid
  LEFT JOIN StringIds AS s ON s.id = o.what
  WHERE o.globalPid = 281551665364992
),
waits AS (
  SELECT step, begin_ns, end_ns, start, min(end, end_ns) AS end, called,
    max(begin_ns, coalesce(max(end) OVER (PARTITION BY step ORDER BY start, end DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS reach
  FROM steps JOIN operations ON start <= end_ns AND end > begin_ns
), sums AS (
  SELECT step, end_ns - begin_ns AS wall_ns, sum(max(0, end - max(start, reach))) AS busy_ns,
    sum(CASE WHEN called > reach THEN max(0, start - reach) ELSE 0 END) AS late_ns
  FROM waits GROUP BY step
)
SELECT step, wall_ns, busy_ns, wall_ns - busy_ns AS idle_ns, late_ns FROM sums ORDER BY step;

.print
.print "Launches"
WITH calls AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND start BETWEEN 1684770764 AND 1957137869
),
named AS (
  SELECT s.value AS call, c.start, c.end, max(c.end) OVER (
    PARTITION BY globalTid, CASE WHEN s.value IN ('cuLaunchKernelEx') THEN 1 END
    ORDER BY c.start, c.end DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
  FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
  WHERE s.value IN ('cuLaunchKernelEx')
), counted AS (
  SELECT call, start, end FROM named WHERE reach IS NULL OR end > reach
)
SELECT call, count(*) AS calls, count(*) / 48.0 AS calls_per_step,
  sum(end - start) AS total_ns
FROM counted GROUP BY call ORDER BY total_ns DESC, call;

.print
.print "F3. Each mlp layer runs 2 small products of one input (gate_up_proj)."

.print
.print "mlp gate_up_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND start BETWEEN 1684770764 AND 1957137869
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
WHERE (k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES ('gemv_q8_0', 528, 1, 1))
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F4. swiglu always follows gemv_q8_0 (36 times a step) and could be fused into it."

.print
.print "The kernel that could go: swiglu"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND start BETWEEN 1684770764 AND 1957137869
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
WHERE k.kernel IN ('swiglu')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F5. mlp gate_up_proj runs at 60% of its roofline: 302.6 µs a step above its floor."

.print
.print "Kernels of mlp gate_up_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND start BETWEEN 1684770764 AND 1957137869
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
WHERE (k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES ('gemv_q8_0', 528, 1, 1), ('swiglu', 3, 1, 1))
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F6. attention attention runs at 4% of its roofline: 238.1 µs a step above its floor."

.print
.print "Kernels of attention attention"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND start BETWEEN 1684770764 AND 1957137869
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
WHERE k.kernel IN ('decode_attention')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F7. 1 of 5 kernels hold 81% of decode's kernel time."

.print
.print "The heaviest kernels"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND start BETWEEN 1684770764 AND 1957137869
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
WHERE k.kernel IN ('gemv_q8_0')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 5;

.print
.print "F8. attention qkv_proj runs at 59% of its roofline: 100.3 µs a step above its floor."

.print
.print "Kernels of attention qkv_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND start BETWEEN 1684770764 AND 1957137869
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
WHERE (k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES ('gemv_q8_0', 192, 1, 1))
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F9. mlp gate_up_proj runs at 34% of its roofline: 2129 µs a step above its floor."

.print
.print "Kernels of mlp gate_up_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND (start BETWEEN 1675215226 AND 1684084145
    OR start BETWEEN 1684233411 AND 1684263731)
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
.print "F10. mlp down_proj runs at 33% of its roofline: 1122 µs a step above its floor."

.print
.print "Kernels of mlp down_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND (start BETWEEN 1675215226 AND 1684084145
    OR start BETWEEN 1684233411 AND 1684263731)
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
WHERE k.correlationId IN (7029, 7034, 7058, 7063, 7087, 7092, 7116, 7121, 7145, 7150, 7174, 7179, 7203, 7208, 7232, 7237, 7261, 7266, 7290, 7295, 7319, 7324, 7348, 7353, 7377, 7382, 7406, 7411, 7435, 7440, 7464, 7469, 7493, 7498, 7522, 7527, 7551, 7556, 7580, 7585, 7609, 7614, 7638, 7643, 7667, 7672, 7696, 7701, 7725, 7730, 7754, 7759, 7783, 7788, 7812, 7817, 7841, 7846, 7870, 7875, 7899, 7904, 7928, 7933, 7957, 7962, 7986, 7991, 8015, 8020, 8044, 8049)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F11. 4 of 11 kernels hold 85% of prefill's kernel time."

.print
.print "The heaviest kernels"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND (start BETWEEN 1675215226 AND 1684084145
    OR start BETWEEN 1684233411 AND 1684263731)
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
.print "F12. attention qkv_proj runs at 37% of its roofline: 601.4 µs a step above its floor."

.print
.print "Kernels of attention qkv_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND (start BETWEEN 1675215226 AND 1684084145
    OR start BETWEEN 1684233411 AND 1684263731)
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
.print "F13. rms_norm always precedes dequantise_q8_0 (72 times a step) and embed always precedes rms_norm (1 times a step); they could be fused into dequantise_q8_0."

.print
.print "The kernel that could go: rms_norm"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND (start BETWEEN 1675215226 AND 1684084145
    OR start BETWEEN 1684233411 AND 1684263731)
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
  WHERE globalTid = 281551665369563 AND (start BETWEEN 1675215226 AND 1684084145
    OR start BETWEEN 1684233411 AND 1684263731)
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
.print "F14. rope always precedes prefill_attention (36 times a step) and could be fused into it."

.print
.print "The kernel that could go: rope"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND (start BETWEEN 1675215226 AND 1684084145
    OR start BETWEEN 1684233411 AND 1684263731)
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
.print "F15. Prefill makes 3 small copies a step (at most 64 KiB each)."

.print
.print "Copies of at most 64 KiB"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND (start BETWEEN 1675169172 AND 1675194282
    OR start BETWEEN 1684158294 AND 1684158294)
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
.print "F16. Prefill copies from or to pageable memory 2 times a step."

.print
.print "Copies from or to pageable memory"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281551665369563 AND (start BETWEEN 1675169172 AND 1675194282
    OR start BETWEEN 1684158294 AND 1684158294)
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
