-- written by wb findings
-- The evidence of all findings.
.headers on
.mode column

.print
.print "F1. Prefill loads modules: 38 calls, during which the GPU is idle for 129.0 ms."

.print
.print "Module loading"
WITH calls AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 9211585004 AND 9941142739
),
named AS (
  SELECT s.value AS call, c.start, c.end, max(c.end) OVER (
    PARTITION BY globalTid, CASE WHEN s.value IN ('cuLibraryLoadData', 'cuModuleLoadData') THEN 9 END
    ORDER BY c.start, c.end DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
  FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
  WHERE s.value IN ('cuLibraryLoadData', 'cuModuleLoadData')
), counted AS (
  SELECT call, start, end FROM named WHERE reach IS NULL OR end > reach
)
SELECT call, count(*) AS calls, count(*) / 1.0 AS calls_per_step,
  sum(end - start) AS total_ns
FROM counted GROUP BY call ORDER BY total_ns DESC, call;

.print
.print "F2. Prefill stalls now and then: 25 long waits, 99% of the phase; 64% of that before memset."

.print
.print "The waits"
WITH operations AS (
  SELECT o.start, o.end, c.start AS called, coalesce(s.value, o.what) AS what FROM (
    SELECT start, end, correlationId, globalPid, shortName AS what FROM CUPTI_ACTIVITY_KIND_KERNEL
    UNION ALL SELECT start, end, correlationId, globalPid, 'memcpy' AS what FROM CUPTI_ACTIVITY_KIND_MEMCPY
    UNION ALL SELECT start, end, correlationId, globalPid, 'memset' AS what FROM CUPTI_ACTIVITY_KIND_MEMSET
  ) AS o
  LEFT JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS c
    ON c.correlationId = o.correlationId AND c.globalTid & ~16777215 = o.globalPid
  LEFT JOIN StringIds AS s ON s.id = o.what
  WHERE o.globalPid = 281521046945792
),
waits AS (
  SELECT start, what, start - max(end) OVER (ORDER BY start, end DESC
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS waited_ns FROM operations
)
SELECT what AS before, count(*) AS waits, sum(waited_ns) AS waited_ns, max(waited_ns) AS longest_ns
FROM waits WHERE waited_ns > 0 AND start IN (9217068010, 9227511016, 9237926471, 9281142306, 9286522209, 9288477473, 9295239904, 9297221248, 9332003835, 9341556762, 9359428152, 9420397168, 9422402864, 9433549230, 9450497388, 9453141836, 9917457969, 9918480977, 9919236017, 9921302545, 9924741520, 9926860272, 9934369903, 9940973454, 9947115182)
GROUP BY what ORDER BY 3 DESC, what LIMIT 8;

.print
.print "CUDA calls of the host meanwhile"
WITH waits(globalTid, begin_ns, end_ns) AS (VALUES (281521046948538, 9453153004, 9917457969), (281521046948538, 9359597112, 9420397168), (281521046948538, 9238026247, 9281142306), (281521046948538, 9297519360, 9332003835), (281521046948538, 9341647450, 9359428152), (281521046948538, 9434336718, 9450497388), (281521046948538, 9422762000, 9433549230), (281521046948538, 9217068714, 9227511016), (281521046948538, 9227511976, 9237926471), (281521046948538, 9332004923, 9341556762), (281521046948538, 9926865552, 9934369903), (281521046948538, 9288478977, 9295239904), (281521046948538, 9940994510, 9947115182), (281521046948538, 9281144930, 9286522209), (281521046948538, 9921307601, 9924741520), (281521046948538, 9450558700, 9453141836), (281521046948538, 9938548751, 9940973454), (281521046948538, 9215056106, 9217068010), (281521046948538, 9295240800, 9297221248), (281521046948538, 9286524513, 9288477473), (281521046948538, 9925139536, 9926860272), (281521046948538, 9919596721, 9921302545), (281521046948538, 9420755376, 9422402864), (281521046948538, 9917459057, 9918480977), (281521046948538, 9918486513, 9919236017))
SELECT s.value AS call, count(*) AS calls, sum(min(c.end, end_ns) - max(c.start, begin_ns)) AS time_ns
FROM waits JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS c USING (globalTid)
JOIN StringIds AS s ON s.id = c.nameId
WHERE c.start < end_ns AND c.end > begin_ns
GROUP BY call ORDER BY time_ns DESC, call LIMIT 8;

.print
.print "F3. input_layernorm, post_attention_layernorm, norm: 8 kernels each time, none of them as long as 10 µs."

.print
.print "Kernels of input_layernorm, post_attention_layernorm, norm"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
WHERE k.graphNodeId IN (8589934612, 8589934613, 8589934614, 8589934615, 8589934616, 8589934617, 8589934618, 8589934619, 8589934662, 8589934663, 8589934664, 8589934665, 8589934666, 8589934667, 8589934668, 8589934669, 8589934677, 8589934678, 8589934679, 8589934680, 8589934681, 8589934682, 8589934683, 8589934684, 8589934727, 8589934728, 8589934729, 8589934730, 8589934731, 8589934732, 8589934733, 8589934734, 8589934742, 8589934743, 8589934744, 8589934745, 8589934746, 8589934747, 8589934748, 8589934749, 8589934792, 8589934793, 8589934794, 8589934795, 8589934796, 8589934797, 8589934798, 8589934799, 8589934807, 8589934808, 8589934809, 8589934810, 8589934811, 8589934812, 8589934813, 8589934814, 8589934857, 8589934858, 8589934859, 8589934860, 8589934861, 8589934862, 8589934863, 8589934864, 8589934872, 8589934873, 8589934874, 8589934875, 8589934876, 8589934877, 8589934878, 8589934879)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F4. attention k_norm, attention q_norm: 8 kernels each time, none of them as long as 10 µs."

.print
.print "Kernels of attention k_norm, attention q_norm"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
WHERE k.graphNodeId IN (8589934621, 8589934622, 8589934623, 8589934624, 8589934625, 8589934626, 8589934627, 8589934628, 8589934630, 8589934631, 8589934632, 8589934633, 8589934634, 8589934635, 8589934636, 8589934637, 8589934686, 8589934687, 8589934688, 8589934689, 8589934690, 8589934691, 8589934692, 8589934693, 8589934695, 8589934696, 8589934697, 8589934698, 8589934699, 8589934700, 8589934701, 8589934702, 8589934751, 8589934752, 8589934753, 8589934754, 8589934755, 8589934756, 8589934757, 8589934758, 8589934760, 8589934761, 8589934762, 8589934763, 8589934764, 8589934765, 8589934766, 8589934767, 8589934816, 8589934817, 8589934818, 8589934819, 8589934820, 8589934821, 8589934822, 8589934823, 8589934825, 8589934826, 8589934827, 8589934828, 8589934829, 8589934830, 8589934831, 8589934832)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F5. 14% of the median decode step is waits between the 292 nodes of its graph."

.print
.print "The median step"
WITH steps(step, begin_ns, end_ns) AS (VALUES (3, 10480905933, 10481857037)),
operations AS (
  SELECT o.start, o.end, c.start AS called, coalesce(s.value, o.what) AS what FROM (
    SELECT start, end, correlationId, globalPid, shortName AS what FROM CUPTI_ACTIVITY_KIND_KERNEL
    UNION ALL SELECT start, end, correlationId, globalPid, 'memcpy' AS what FROM CUPTI_ACTIVITY_KIND_MEMCPY
    UNION ALL SELECT start, end, correlationId, globalPid, 'memset' AS what FROM CUPTI_ACTIVITY_KIND_MEMSET
  ) AS o
  LEFT JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS c
    ON c.correlationId = o.correlationId AND c.globalTid & ~16777215 = o.globalPid
  LEFT JOIN StringIds AS s ON s.id = o.what
  WHERE o.globalPid = 281521046945792
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
.print "F6. Decode stalls in most steps: 5 long waits, 15% of the phase; 100% of that before indexSelectSmallIndex."

.print
.print "The waits"
WITH operations AS (
  SELECT o.start, o.end, c.start AS called, coalesce(s.value, o.what) AS what FROM (
    SELECT start, end, correlationId, globalPid, shortName AS what FROM CUPTI_ACTIVITY_KIND_KERNEL
    UNION ALL SELECT start, end, correlationId, globalPid, 'memcpy' AS what FROM CUPTI_ACTIVITY_KIND_MEMCPY
    UNION ALL SELECT start, end, correlationId, globalPid, 'memset' AS what FROM CUPTI_ACTIVITY_KIND_MEMSET
  ) AS o
  LEFT JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS c
    ON c.correlationId = o.correlationId AND c.globalTid & ~16777215 = o.globalPid
  LEFT JOIN StringIds AS s ON s.id = o.what
  WHERE o.globalPid = 281521046945792
),
waits AS (
  SELECT start, what, start - max(end) OVER (ORDER BY start, end DESC
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS waited_ns FROM operations
)
SELECT what AS before, count(*) AS waits, sum(waited_ns) AS waited_ns, max(waited_ns) AS longest_ns
FROM waits WHERE waited_ns > 0 AND start IN (10478985165, 10479945709, 10480905933, 10481857037, 10484721324)
GROUP BY what ORDER BY 3 DESC, what LIMIT 8;

.print
.print "CUDA calls of the host meanwhile"
WITH waits(globalTid, begin_ns, end_ns) AS (VALUES (281521046948538, 10478750669, 10478985165), (281521046948538, 10484495980, 10484721324), (281521046948538, 10479731693, 10479945709), (281521046948538, 10480693517, 10480905933), (281521046948538, 10481654349, 10481857037))
SELECT s.value AS call, count(*) AS calls, sum(min(c.end, end_ns) - max(c.start, begin_ns)) AS time_ns
FROM waits JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS c USING (globalTid)
JOIN StringIds AS s ON s.id = c.nameId
WHERE c.start < end_ns AND c.end > begin_ns
GROUP BY call ORDER BY time_ns DESC, call LIMIT 8;

.print
.print "F7. Each attention layer runs 3 small products of one input (k_proj, q_proj, v_proj)."

.print
.print "attention k_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
WHERE k.graphNodeId IN (8589934629, 8589934694, 8589934759, 8589934824)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "attention q_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
WHERE (k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES ('nvjet_sm90_tst_64x8_64x16_4x1_v_bz_TNT', 4, 8, 1))
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "attention v_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
WHERE k.graphNodeId IN (8589934638, 8589934703, 8589934768, 8589934833)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F8. 289 of 289 kernels a decode step begin only after the one ahead of them, though launched early enough to overlap it."

.print
.print "Kernels that begin only after the one ahead of them"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId, k.graphNodeId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
),
following AS (
  SELECT *, start - lag(end) OVER (PARTITION BY deviceId, streamId ORDER BY start) AS gap_ns FROM kernels
)
SELECT long_name AS kernel, count(*) AS calls, avg(duration_ns) AS mean_ns,
  avg(gap_ns) AS mean_gap_ns
FROM following AS k WHERE k.graphNodeId IN (8589934593, 8589934594, 8589934595, 8589934596, 8589934597, 8589934598, 8589934599, 8589934600, 8589934601, 8589934602, 8589934603, 8589934604, 8589934605, 8589934606, 8589934607, 8589934608, 8589934609, 8589934610, 8589934611, 8589934612, 8589934613, 8589934614, 8589934615, 8589934616, 8589934617, 8589934618, 8589934619, 8589934620, 8589934621, 8589934622, 8589934623, 8589934624, 8589934625, 8589934626, 8589934627, 8589934628, 8589934629, 8589934630, 8589934631, 8589934632, 8589934633, 8589934634, 8589934635, 8589934636, 8589934637, 8589934638, 8589934639, 8589934640, 8589934641, 8589934642, 8589934643, 8589934644, 8589934645, 8589934646, 8589934647, 8589934648, 8589934649, 8589934650, 8589934651, 8589934652, 8589934653, 8589934654, 8589934655, 8589934656, 8589934657, 8589934658, 8589934659, 8589934660, 8589934661, 8589934662, 8589934663, 8589934664, 8589934665, 8589934666, 8589934667, 8589934668, 8589934669, 8589934670, 8589934671, 8589934672, 8589934673, 8589934674, 8589934675, 8589934676, 8589934677, 8589934678, 8589934679, 8589934680, 8589934681, 8589934682, 8589934683, 8589934684, 8589934685, 8589934686, 8589934687, 8589934688, 8589934689, 8589934690, 8589934691, 8589934692, 8589934693, 8589934694, 8589934695, 8589934696, 8589934697, 8589934698, 8589934699, 8589934700, 8589934701, 8589934702, 8589934703, 8589934704, 8589934705, 8589934706, 8589934707, 8589934708, 8589934709, 8589934710, 8589934711, 8589934712, 8589934713, 8589934714, 8589934715, 8589934716, 8589934717, 8589934718, 8589934719, 8589934720, 8589934721, 8589934722, 8589934723, 8589934724, 8589934725, 8589934726, 8589934727, 8589934728, 8589934729, 8589934730, 8589934731, 8589934732, 8589934733, 8589934734, 8589934735, 8589934736, 8589934737, 8589934738, 8589934739, 8589934740, 8589934741, 8589934742, 8589934743, 8589934744, 8589934745, 8589934746, 8589934747, 8589934748, 8589934749, 8589934750, 8589934751, 8589934752, 8589934753, 8589934754, 8589934755, 8589934756, 8589934757, 8589934758, 8589934759, 8589934760, 8589934761, 8589934762, 8589934763, 8589934764, 8589934765, 8589934766, 8589934767, 8589934768, 8589934769, 8589934770, 8589934771, 8589934772, 8589934773, 8589934774, 8589934775, 8589934776, 8589934777, 8589934778, 8589934779, 8589934780, 8589934781, 8589934782, 8589934783, 8589934784, 8589934785, 8589934786, 8589934787, 8589934788, 8589934789, 8589934790, 8589934791, 8589934792, 8589934793, 8589934794, 8589934795, 8589934796, 8589934797, 8589934798, 8589934799, 8589934800, 8589934801, 8589934802, 8589934803, 8589934804, 8589934805, 8589934806, 8589934807, 8589934808, 8589934809, 8589934810, 8589934811, 8589934812, 8589934813, 8589934814, 8589934815, 8589934816, 8589934817, 8589934818, 8589934819, 8589934820, 8589934821, 8589934822, 8589934823, 8589934824, 8589934825, 8589934826, 8589934827, 8589934828, 8589934829, 8589934830, 8589934831, 8589934832, 8589934833, 8589934834, 8589934835, 8589934836, 8589934837, 8589934838, 8589934839, 8589934840, 8589934841, 8589934842, 8589934843, 8589934844, 8589934845, 8589934846, 8589934847, 8589934848, 8589934849, 8589934850, 8589934851, 8589934852, 8589934853, 8589934854, 8589934855, 8589934856, 8589934857, 8589934858, 8589934859, 8589934860, 8589934861, 8589934862, 8589934863, 8589934864, 8589934865, 8589934866, 8589934867, 8589934868, 8589934869, 8589934870, 8589934871, 8589934872, 8589934873, 8589934874, 8589934875, 8589934876, 8589934877, 8589934878, 8589934879, 8589934880, 8589934881)
GROUP BY long_name ORDER BY calls DESC, long_name LIMIT 8;

.print
.print "F9. vectorized_elementwise_kernel (rsqrt) always follows vectorized_elementwise_kernel (17 times a step) and elementwise_kernel (Mul) always follows vectorized_elementwise_kernel (rsqrt) (17 times a step); they could be fused into vectorized_elementwise_kernel."

.print
.print "The kernel that could go: vectorized_elementwise_kernel (rsqrt)"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
WHERE k.long_name IN ('void at::native::vectorized_elementwise_kernel<(int)4, at::native::rsqrt_kernel_cuda(at::TensorIteratorBase &)::[lambda() (instance 2)]::operator ()() const::[lambda() (instance 2)]::operator ()() const::[lambda(float) (instance 1)], std::array<char *, (unsigned long)2>>(int, T2, T3)')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "The kernel that could go: elementwise_kernel (Mul)"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
WHERE k.long_name IN ('void at::native::elementwise_kernel<(int)128, (int)2, void at::native::gpu_kernel_impl_nocast<at::native::BinaryFunctor<float, float, float, at::native::binary_internal::MulFunctor<float>>>(at::TensorIteratorBase &, const T1 &)::[lambda(int) (instance 1)]>(int, T3)')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F10. reduce_kernel (Mean) always follows vectorized_elementwise_kernel (pow_tensor_scalar) (17 times a step) and could be fused into it."

.print
.print "The kernel that could go: reduce_kernel (Mean)"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
WHERE k.long_name IN ('void at::native::reduce_kernel<(int)512, (int)1, at::native::ReduceOp<float, at::native::MeanOps<float, float, float, float>, unsigned int, float, (int)4, (int)4>>(T3)')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F11. Decode is a swarm of tiny kernels: 272 of 291 kernels a step run for less than 5 µs."

.print
.print "Kernels shorter than 5 µs, in step 4"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
  8.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS share_of_kernel_time
FROM kernels AS k
WHERE k.start IN (10481857037, 10481859597, 10481860909, 10481862669, 10481864109, 10481865228, 10481866540, 10481868236, 10481869580, 10481871084, 10481872876, 10481874604, 10481876524, 10481880748, 10481882604, 10481884748, 10481886220, 10481888364, 10481889836, 10481891532, 10481893292, 10481896204, 10481897868, 10481900716, 10481902060, 10481903724, 10481905484, 10481907212, 10481909068, 10481913740, 10481916492, 10481917900, 10481920204, 10481921548, 10481923052, 10481924812, 10481926188, 10481936588, 10481939628, 10481941068, 10481943340, 10481944748, 10481946348, 10481948332, 10481949740, 10481959980, 10481962284, 10481964620, 10481966988, 10481969708, 10481971148, 10481973644, 10481975852, 10481978092, 10481980300, 10481981772, 10481982924, 10481984428, 10481985900, 10481988524, 10481991532, 10481995244, 10481999180, 10482000428, 10482001676, 10482021676, 10482023212, 10482025868, 10482027276, 10482029516, 10482030924, 10482032428, 10482034188, 10482035596, 10482037260, 10482042124, 10482043980, 10482049068, 10482050476, 10482055980, 10482057932, 10482059436, 10482062220, 10482063660, 10482066156, 10482067596, 10482069164, 10482070924, 10482072332, 10482074220, 10482078924, 10482081708, 10482083148, 10482085708, 10482087180, 10482088716, 10482090540, 10482091980, 10482101964, 10482104876, 10482106284, 10482108556, 10482109996, 10482111500, 10482113388, 10482115020, 10482126124, 10482128332, 10482130572, 10482133036, 10482135564, 10482136940, 10482139212, 10482141420, 10482143724, 10482145932, 10482147340, 10482148620, 10482150668, 10482152204, 10482154796, 10482157644, 10482161260, 10482164748, 10482166092, 10482167340, 10482187468, 10482188972, 10482191692, 10482193132, 10482195500, 10482196972, 10482198508, 10482200268, 10482201708, 10482203308, 10482208236, 10482210156, 10482215404, 10482216908, 10482222380, 10482224940, 10482226412, 10482229100, 10482230476, 10482232748, 10482234156, 10482235660, 10482237388, 10482238796, 10482240812, 10482245452, 10482248204, 10482249612, 10482251916, 10482253324, 10482254828, 10482256652, 10482258316, 10482268652, 10482271596, 10482273036, 10482275372, 10482276844, 10482278380, 10482280332, 10482281804, 10482292012, 10482294764, 10482297100, 10482299404, 10482301996, 10482303340, 10482305548, 10482307852, 10482310060, 10482312236, 10482313612, 10482314828, 10482316684, 10482318188, 10482320908, 10482323788, 10482327468, 10482331116, 10482332428, 10482333708, 10482353644, 10482355116, 10482357804, 10482359212, 10482361548, 10482362956, 10482364460, 10482366252, 10482367660, 10482369292, 10482374220, 10482376108, 10482381004, 10482382508, 10482387980, 10482389996, 10482391756, 10482394540, 10482396236, 10482398604, 10482400076, 10482401612, 10482403532, 10482404972, 10482406668, 10482411340, 10482414092, 10482415532, 10482417932, 10482419372, 10482421132, 10482422860, 10482424236, 10482434412, 10482437324, 10482438732, 10482441004, 10482442412, 10482443916, 10482445708, 10482447084, 10482457132, 10482459372, 10482461676, 10482463916, 10482466508, 10482467948, 10482470348, 10482472588, 10482474892, 10482477100, 10482478540, 10482479916, 10482481964, 10482483500, 10482486380, 10482489260, 10482492876, 10482496364, 10482497676, 10482498924, 10482518860, 10482520332, 10482523020, 10482524428, 10482526764, 10482528172, 10482529676, 10482531372, 10482532780, 10482534444, 10482539532, 10482541484, 10482546476, 10482548044, 10482553676, 10482555692, 10482557228, 10482559980, 10482561452, 10482563788, 10482565292, 10482566860, 10482568780, 10482570444, 10482602380)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F12. Each mlp layer runs 2 small products of one input (gate_proj, up_proj)."

.print
.print "mlp gate_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
WHERE k.graphNodeId IN (8589934670, 8589934735, 8589934800, 8589934865)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "mlp up_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
WHERE k.graphNodeId IN (8589934672, 8589934737, 8589934802, 8589934867)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F13. 3% of decode's kernel time is in kernels for older tensor cores than this GPU's."

.print
.print "Kernels named after WMMA or an older architecture"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
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
WHERE k.kernel IN ('cudnn_generated_fort_native_sdpa_sm80_flash_fprop_wmma_f16_knob_3_64x64x128_4x1x1_cga1x1x1_kernel0_0')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F14. reduce_kernel (ArgMax) runs 10 µs on 1 block, though the GPU has 132 multiprocessors."

.print
.print "reduce_kernel (ArgMax) by grid"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 10477438184 AND 10484516132
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId, k.graphNodeId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT gridX * gridY * gridZ AS blocks, count(*) AS calls, sum(duration_ns) AS total_ns FROM kernels
WHERE long_name = 'void at::native::reduce_kernel<(int)512, (int)1, at::native::ReduceOp<c10::BFloat16, at::native::ArgMaxOps<float>, unsigned int, long, (int)4, (int)4>>(T3)' AND duration_ns >= 10000
  AND gridX * gridY * gridZ IN (1)
GROUP BY blocks ORDER BY blocks;

.print
.print "F15. Prefill is launch-bound: the GPU waits to be given work for 1% of the median step, 91% of what single long waits leave of it."

.print
.print "The median step"
WITH steps(step, begin_ns, end_ns) AS (VALUES (0, 9215053866, 9947176462)),
operations AS (
  SELECT o.start, o.end, c.start AS called, coalesce(s.value, o.what) AS what FROM (
    SELECT start, end, correlationId, globalPid, shortName AS what FROM CUPTI_ACTIVITY_KIND_KERNEL
    UNION ALL SELECT start, end, correlationId, globalPid, 'memcpy' AS what FROM CUPTI_ACTIVITY_KIND_MEMCPY
    UNION ALL SELECT start, end, correlationId, globalPid, 'memset' AS what FROM CUPTI_ACTIVITY_KIND_MEMSET
  ) AS o
  LEFT JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS c
    ON c.correlationId = o.correlationId AND c.globalTid & ~16777215 = o.globalPid
  LEFT JOIN StringIds AS s ON s.id = o.what
  WHERE o.globalPid = 281521046945792
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
  WHERE globalTid = 281521046948538 AND start BETWEEN 9211674269 AND 9945091401
),
named AS (
  SELECT s.value AS call, c.start, c.end, max(c.end) OVER (
    PARTITION BY globalTid, CASE WHEN s.value IN ('cuLaunchKernel', 'cuLaunchKernelEx', 'cudaLaunchKernelExC_v11060', 'cudaLaunchKernel_v7000') THEN 1 WHEN s.value IN ('cudaGraphLaunch_v10000') THEN 2 END
    ORDER BY c.start, c.end DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
  FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
  WHERE s.value IN ('cuLaunchKernel', 'cuLaunchKernelEx', 'cudaGraphLaunch_v10000', 'cudaLaunchKernelExC_v11060', 'cudaLaunchKernel_v7000')
), counted AS (
  SELECT call, start, end FROM named WHERE reach IS NULL OR end > reach
)
SELECT call, count(*) AS calls, count(*) / 1.0 AS calls_per_step,
  sum(end - start) AS total_ns
FROM counted GROUP BY call ORDER BY total_ns DESC, call;

.print
.print "F16. post_attention_layernorm, input_layernorm, attention q_norm, attention k_norm, norm: 8 kernels each time, none of them as long as 10 µs."

.print
.print "Kernels of post_attention_layernorm, input_layernorm, attention q_norm, attention k_norm, norm"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND EXISTS (SELECT 1 FROM (VALUES (9211674269, 9434012150), (9434151191, 9450547408), (9918456291, 9935357122), (9935437405, 9935501457), (9935641285, 9936707494), (9936768922, 9936820918), (9936923949, 9937905173), (9937954810, 9938004353), (9938086965, 9945091401)) WHERE start BETWEEN column1 AND column2)
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
WHERE k.correlationId IN (2620, 2634, 2651, 2663, 2676, 2688, 2702, 2715, 2811, 2823, 2838, 2849, 2860, 2871, 2885, 2897, 2932, 2944, 2959, 2970, 2981, 2992, 3006, 3018, 4644, 4656, 4671, 4682, 4693, 4704, 4718, 4730, 4847, 4859, 4874, 4885, 4896, 4907, 4921, 4933, 4963, 4975, 4990, 5001, 5012, 5023, 5037, 5049, 5079, 5091, 5106, 5117, 5128, 5139, 5153, 5165, 5517, 5529, 5544, 5555, 5566, 5577, 5591, 5603, 5701, 5713, 5728, 5739, 5750, 5761, 5775, 5787, 5817, 5829, 5844, 5855, 5866, 5877, 5891, 5903, 5933, 5945, 5960, 5971, 5982, 5993, 6007, 6019, 6371, 6383, 6398, 6409, 6420, 6431, 6445, 6457, 6555, 6567, 6582, 6593, 6604, 6615, 6629, 6641, 6671, 6683, 6698, 6709, 6720, 6731, 6745, 6757, 6787, 6799, 6814, 6825, 6836, 6847, 6861, 6873, 7225, 7237, 7252, 7263, 7274, 7285, 7299, 7311, 7409, 7421, 7436, 7447, 7458, 7469, 7483, 7495)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F17. Prefill allocates or frees memory: 10 calls in 1 of 1 step."

.print
.print "Allocations"
WITH calls AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 9238427981 AND 9924925955
),
named AS (
  SELECT s.value AS call, c.start, c.end, max(c.end) OVER (
    PARTITION BY globalTid, CASE WHEN s.value IN ('cudaHostAlloc_v3020', 'cudaMalloc_v3020') THEN 4 WHEN s.value IN ('cudaFree_v3020') THEN 5 END
    ORDER BY c.start, c.end DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
  FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
  WHERE s.value IN ('cudaFree_v3020', 'cudaHostAlloc_v3020', 'cudaMalloc_v3020')
), counted AS (
  SELECT call, start, end FROM named WHERE reach IS NULL OR end > reach
)
SELECT call, count(*) AS calls, count(*) / 1.0 AS calls_per_step,
  sum(end - start) AS total_ns
FROM counted GROUP BY call ORDER BY total_ns DESC, call;

.print
.print "F18. Each attention layer runs 3 small products of one input (k_proj, q_proj, v_proj)."

.print
.print "attention k_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND EXISTS (SELECT 1 FROM (VALUES (9211674269, 9434012150), (9434151191, 9450547408), (9918456291, 9935357122), (9935437405, 9935501457), (9935641285, 9936707494), (9936768922, 9936820918), (9936923949, 9937905173), (9937954810, 9938004353), (9938086965, 9945091401)) WHERE start BETWEEN column1 AND column2)
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
WHERE k.correlationId IN (2919, 5066, 5920, 6774)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "attention q_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND EXISTS (SELECT 1 FROM (VALUES (9211674269, 9434012150), (9434151191, 9450547408), (9918456291, 9935357122), (9935437405, 9935501457), (9935641285, 9936707494), (9936768922, 9936820918), (9936923949, 9937905173), (9937954810, 9938004353), (9938086965, 9945091401)) WHERE start BETWEEN column1 AND column2)
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
WHERE k.kernel IN ('nvjet_sm90_tst_24x64_64x16_4x1_v_bz_TNN')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "attention v_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND EXISTS (SELECT 1 FROM (VALUES (9211674269, 9434012150), (9434151191, 9450547408), (9918456291, 9935357122), (9935437405, 9935501457), (9935641285, 9936707494), (9936768922, 9936820918), (9936923949, 9937905173), (9937954810, 9938004353), (9938086965, 9945091401)) WHERE start BETWEEN column1 AND column2)
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
WHERE k.correlationId IN (3035, 5182, 6036, 6890)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F19. Prefill sets memory 6 times a step."

.print
.print "Memsets"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND (start BETWEEN 9453121544 AND 9917429030
    OR start BETWEEN 9935621974 AND 9935621974
    OR start BETWEEN 9936909202 AND 9936909202
    OR start BETWEEN 9938073847 AND 9938073847)
),
memsets AS (
  SELECT bytes, end - start AS duration_ns FROM CUPTI_ACTIVITY_KIND_MEMSET
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT bytes, count(*) AS calls, sum(duration_ns) AS total_ns FROM memsets
GROUP BY bytes ORDER BY calls DESC, bytes LIMIT 8;

.print
.print "F20. Prefill is a swarm of tiny kernels: 250 of 271 kernels a step run for less than 5 µs."

.print
.print "Kernels shorter than 5 µs"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND EXISTS (SELECT 1 FROM (VALUES (9211674269, 9434012150), (9434151191, 9450547408), (9918456291, 9935357122), (9935437405, 9935501457), (9935641285, 9936707494), (9936768922, 9936820918), (9936923949, 9937905173), (9937954810, 9938004353), (9938086965, 9945091401)) WHERE start BETWEEN column1 AND column2)
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
WHERE k.correlationId IN (1114, 1136, 1149, 1172, 1190, 2512, 2525, 2538, 2551, 2564, 2575, 2590, 2605, 2620, 2634, 2651, 2663, 2676, 2688, 2702, 2715, 2798, 2811, 2823, 2838, 2849, 2860, 2871, 2885, 2897, 2919, 2932, 2944, 2959, 2970, 2981, 2992, 3006, 3018, 3035, 3045, 3064, 3077, 3088, 3100, 3111, 3128, 3140, 3151, 3162, 3178, 3195, 3232, 3244, 3251, 3260, 3267, 4630, 4644, 4656, 4671, 4682, 4693, 4704, 4718, 4730, 4764, 4796, 4822, 4833, 4847, 4859, 4874, 4885, 4896, 4907, 4921, 4933, 4950, 4963, 4975, 4990, 5001, 5012, 5023, 5037, 5049, 5066, 5079, 5091, 5106, 5117, 5128, 5139, 5153, 5165, 5192, 5209, 5221, 5232, 5243, 5254, 5271, 5283, 5294, 5305, 5320, 5337, 5374, 5385, 5392, 5399, 5406, 5503, 5517, 5529, 5544, 5555, 5566, 5577, 5591, 5603, 5630, 5647, 5657, 5676, 5687, 5701, 5713, 5728, 5739, 5750, 5761, 5775, 5787, 5804, 5817, 5829, 5844, 5855, 5866, 5877, 5891, 5903, 5920, 5933, 5945, 5960, 5971, 5982, 5993, 6007, 6019, 6036, 6046, 6063, 6075, 6086, 6097, 6108, 6125, 6137, 6148, 6159, 6174, 6191, 6228, 6239, 6246, 6253, 6260, 6357, 6371, 6383, 6398, 6409, 6420, 6431, 6445, 6457, 6484, 6511, 6530, 6541, 6555, 6567, 6582, 6593, 6604, 6615, 6629, 6641, 6658, 6671, 6683, 6698, 6709, 6720, 6731, 6745, 6757, 6774, 6787, 6799, 6814, 6825, 6836, 6847, 6861, 6873, 6890, 6900, 6917, 6929, 6940, 6951, 6962, 6979, 6991, 7002, 7013, 7028, 7045, 7082, 7093, 7100, 7107, 7114, 7211, 7225, 7237, 7252, 7263, 7274, 7285, 7299, 7311, 7338, 7355, 7365, 7384, 7395, 7409, 7421, 7436, 7447, 7458, 7469, 7483, 7495)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F21. reduce_kernel (Mean) always follows vectorized_elementwise_kernel (pow_tensor_scalar) (17 times a step) and could be fused into it."

.print
.print "The kernel that could go: reduce_kernel (Mean)"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND EXISTS (SELECT 1 FROM (VALUES (9211674269, 9434012150), (9434151191, 9450547408), (9918456291, 9935357122), (9935437405, 9935501457), (9935641285, 9936707494), (9936768922, 9936820918), (9936923949, 9937905173), (9937954810, 9938004353), (9938086965, 9945091401)) WHERE start BETWEEN column1 AND column2)
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
WHERE k.long_name IN ('void at::native::reduce_kernel<(int)512, (int)1, at::native::ReduceOp<float, at::native::MeanOps<float, float, float, float>, unsigned int, float, (int)4, (int)4>>(T3)')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F22. elementwise_kernel (Mul) always follows vectorized_elementwise_kernel (rsqrt) (17 times a step) and could be fused into it."

.print
.print "The kernel that could go: elementwise_kernel (Mul)"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND EXISTS (SELECT 1 FROM (VALUES (9211674269, 9434012150), (9434151191, 9450547408), (9918456291, 9935357122), (9935437405, 9935501457), (9935641285, 9936707494), (9936768922, 9936820918), (9936923949, 9937905173), (9937954810, 9938004353), (9938086965, 9945091401)) WHERE start BETWEEN column1 AND column2)
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
WHERE k.long_name IN ('void at::native::elementwise_kernel<(int)128, (int)2, void at::native::gpu_kernel_impl_nocast<at::native::BinaryFunctor<float, float, float, at::native::binary_internal::MulFunctor<float>>>(at::TensorIteratorBase &, const T1 &)::[lambda(int) (instance 1)]>(int, T3)')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F23. Each mlp layer runs 2 small products of one input (gate_proj, up_proj)."

.print
.print "mlp gate_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND EXISTS (SELECT 1 FROM (VALUES (9211674269, 9434012150), (9434151191, 9450547408), (9918456291, 9935357122), (9935437405, 9935501457), (9935641285, 9936707494), (9936768922, 9936820918), (9936923949, 9937905173), (9937954810, 9938004353), (9938086965, 9945091401)) WHERE start BETWEEN column1 AND column2)
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
WHERE k.correlationId IN (4752, 5620, 6474, 7328)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "mlp up_proj"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND EXISTS (SELECT 1 FROM (VALUES (9211674269, 9434012150), (9434151191, 9450547408), (9918456291, 9935357122), (9935437405, 9935501457), (9935641285, 9936707494), (9936768922, 9936820918), (9936923949, 9937905173), (9937954810, 9938004353), (9938086965, 9945091401)) WHERE start BETWEEN column1 AND column2)
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
WHERE k.correlationId IN (4781, 5647, 6501, 7355)
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F24. Prefill copies from or to pageable memory 4 times a step."

.print
.print "Copies from or to pageable memory"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND (start BETWEEN 9434058988 AND 9434058988
    OR start BETWEEN 9935377307 AND 9935377307
    OR start BETWEEN 9936728116 AND 9936728116
    OR start BETWEEN 9937920037 AND 9937920037
    OR start BETWEEN 9947156276 AND 9947156276)
),
copies AS (
  SELECT CASE m.copyKind WHEN 0 THEN 'memcpy_unknown' WHEN 1 THEN 'memcpy_h2d' WHEN 2 THEN 'memcpy_d2h' WHEN 3 THEN 'memcpy_h2a' WHEN 4 THEN 'memcpy_a2h' WHEN 5 THEN 'memcpy_a2a' WHEN 6 THEN 'memcpy_a2d' WHEN 7 THEN 'memcpy_d2a' WHEN 8 THEN 'memcpy_d2d' WHEN 9 THEN 'memcpy_h2h' WHEN 10 THEN 'memcpy_p2p' WHEN 11 THEN 'memcpy_uvm_h2d' WHEN 12 THEN 'memcpy_uvm_d2h' WHEN 13 THEN 'memcpy_uvm_d2d' END AS kind, m.bytes,
    coalesce(m.srcKind, -1) = 0 OR coalesce(m.dstKind, -1) = 0 AS pageable,
    m.end - m.start AS duration_ns
  FROM CUPTI_ACTIVITY_KIND_MEMCPY AS m
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT kind, bytes, pageable, count(*) AS calls, sum(duration_ns) AS total_ns FROM copies
WHERE (kind, bytes, pageable) IN (VALUES ('memcpy_h2d', 8, 1))
GROUP BY kind, bytes, pageable ORDER BY calls DESC, kind, bytes;

.print
.print "F25. Prefill makes 5 small copies a step (at most 64 KiB each)."

.print
.print "Copies of at most 64 KiB"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND (start BETWEEN 9434058988 AND 9434058988
    OR start BETWEEN 9935377307 AND 9935377307
    OR start BETWEEN 9936728116 AND 9936728116
    OR start BETWEEN 9937920037 AND 9937920037
    OR start BETWEEN 9947156276 AND 9947156276)
),
copies AS (
  SELECT CASE m.copyKind WHEN 0 THEN 'memcpy_unknown' WHEN 1 THEN 'memcpy_h2d' WHEN 2 THEN 'memcpy_d2h' WHEN 3 THEN 'memcpy_h2a' WHEN 4 THEN 'memcpy_a2h' WHEN 5 THEN 'memcpy_a2a' WHEN 6 THEN 'memcpy_a2d' WHEN 7 THEN 'memcpy_d2a' WHEN 8 THEN 'memcpy_d2d' WHEN 9 THEN 'memcpy_h2h' WHEN 10 THEN 'memcpy_p2p' WHEN 11 THEN 'memcpy_uvm_h2d' WHEN 12 THEN 'memcpy_uvm_d2h' WHEN 13 THEN 'memcpy_uvm_d2d' END AS kind, m.bytes,
    coalesce(m.srcKind, -1) = 0 OR coalesce(m.dstKind, -1) = 0 AS pageable,
    m.end - m.start AS duration_ns
  FROM CUPTI_ACTIVITY_KIND_MEMCPY AS m
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
)
SELECT kind, bytes, pageable, count(*) AS calls, sum(duration_ns) AS total_ns FROM copies
WHERE (kind, bytes, pageable) IN (VALUES ('memcpy_h2d', 8, 1), ('memcpy_d2d', 8, 0))
GROUP BY kind, bytes, pageable ORDER BY calls DESC, kind, bytes;

.print
.print "F26. CatArrayBatchedCopy always follows elementwise_kernel (neg) (8 times a step) and could be fused into it."

.print
.print "The kernel that could go: CatArrayBatchedCopy"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND EXISTS (SELECT 1 FROM (VALUES (9211674269, 9434012150), (9434151191, 9450547408), (9918456291, 9935357122), (9935437405, 9935501457), (9935641285, 9936707494), (9936768922, 9936820918), (9936923949, 9937905173), (9937954810, 9938004353), (9938086965, 9945091401)) WHERE start BETWEEN column1 AND column2)
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
WHERE k.long_name IN ('void at::native::<unnamed>::CatArrayBatchedCopy<at::native::<unnamed>::OpaqueType<(unsigned int)2>, unsigned int, (int)4, (int)64, (int)64>(T1 *, at::native::<unnamed>::CatArrInputTensorMetadata<T1, T2, T4, T5>, at::native::<unnamed>::TensorSizeStride<T2, (unsigned int)4>, int, T2)')
GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT 8;

.print
.print "F27. Prefill waits for the device 5 times a step."

.print
.print "Synchronising calls"
WITH calls AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281521046948538 AND start BETWEEN 9434076819 AND 9947275213
),
named AS (
  SELECT s.value AS call, c.start, c.end, max(c.end) OVER (
    PARTITION BY globalTid, CASE WHEN s.value IN ('cudaDeviceSynchronize_v3020', 'cudaStreamSynchronize_v3020') THEN 3 END
    ORDER BY c.start, c.end DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
  FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
  WHERE s.value IN ('cudaDeviceSynchronize_v3020', 'cudaStreamSynchronize_v3020')
), counted AS (
  SELECT call, start, end FROM named WHERE reach IS NULL OR end > reach
)
SELECT call, count(*) AS calls, count(*) / 1.0 AS calls_per_step,
  sum(end - start) AS total_ns
FROM counted GROUP BY call ORDER BY total_ns DESC, call;
