// Made by simulations/embed.py from the files under simulations/; change those.
// swift-format-ignore-file

/// A file of `simulations/` as the program carries it.
package struct BuiltinFile: Sendable {
    package let name: String
    package let text: String
}

extension BuiltinFile {
    /// In the order in which a comparison runs them.
    package static let workloads: [BuiltinFile] = [
        BuiltinFile(
            name: "dataset",
            text: #"""
schema: 1
name: dataset
title: Large files read everywhere
imitates: >
  A training set or model weights: written once in the primary region, then read by workers in
  every region, partly in order (a whole shard) and partly at random (a record of a shard).
seed: 101
repetitions: 3
inputs:
  large_files: 17
  large_file_size: 16MiB
# Of three regions' medians the worst and the best are compared: 3 × 64 samples of a region hold them together.
limits: {prepare_seconds: 25, cold_seconds: 1.8, warm_seconds: 0.6}
mix:
  read-1MiB-sequential: {cold: 24, warm: 16}
  read-4KiB-random: {cold: 64, warm: 16}

"""#),
        BuiltinFile(
            name: "small-files",
            text: #"""
schema: 1
name: small-files
title: A source tree, unpacked and walked
imitates: >
  A checkout or a package tree: thousands of small files put once, then listed, looked up and read
  from every region, while each region also writes, renames and removes files of its own. On a
  volume the writes are staged and a commit publishes them.
seed: 102
repetitions: 3
inputs:
  tree_files: 2000
  tree_file_size: 64KiB
  write_size: 4KiB
limits: {prepare_seconds: 15, cold_seconds: 2.4, warm_seconds: 0.8}
mix:
  list: {cold: 6, warm: 6}
  stat: {cold: 40, warm: 40}
  open-read-close: {cold: 32, warm: 32}
  rename: {cold: 6, warm: 0}
  remove: {cold: 4, warm: 0}
  # After rename and remove, so that each commit has something to publish.
  create-write-close: {cold: 24, warm: 0}
  commit: {cold: 3, warm: 0}
  reload: {cold: 3, warm: 0}
  reload-local: {cold: 3, warm: 0}

"""#),
        BuiltinFile(
            name: "shared-cache",
            text: #"""
schema: 1
name: shared-cache
title: Small records, shared and updated
imitates: >
  A cache or a job table of small records (Python's shelve with a lock file): workers read the
  latest state of a record and update others under a lock. A volume has no locks between hosts:
  its update reloads, replaces the record and commits only if nobody else changed it.
seed: 103
repetitions: 3
inputs:
  records: 240
  record_size: 4KiB
limits: {prepare_seconds: 10, cold_seconds: 1.8, warm_seconds: 0.8}
mix:
  read-latest: {cold: 24, warm: 12}
  update-record: {cold: 12, warm: 6}
  lock-cycle: {cold: 12, warm: 6}

"""#),
        BuiltinFile(
            name: "podcast",
            text: #"""
schema: 1
name: podcast
title: Raw audio, transcripts, pollers
imitates: >
  A transcription pipeline: raw audio lies in the primary region, workers everywhere read it in
  order, publish a small transcript beside it by renaming it into place (on a volume: by a commit),
  and pollers list the folder of what is done.
seed: 104
repetitions: 3
inputs:
  large_files: 6
  large_file_size: 8MiB
  write_size: 8KiB
limits: {prepare_seconds: 12, cold_seconds: 1.7, warm_seconds: 0.6}
mix:
  poll: {cold: 12, warm: 12}
  read-1MiB-sequential: {cold: 16, warm: 8}
  publish: {cold: 8, warm: 0}

"""#),
        BuiltinFile(
            name: "checkpoint",
            text: #"""
schema: 1
name: checkpoint
title: Checkpoints saved here, resumed there
imitates: >
  A training run that saves a checkpoint every so often and, after an interruption, resumes in
  another region from the latest one. A save ends durable and visible: renamed into place on the
  network file system, committed on the volume.
seed: 105
repetitions: 3
inputs:
  large_files: 6
  large_file_size: 8MiB
  checkpoint_size: 8MiB
limits: {prepare_seconds: 12, cold_seconds: 2.0, warm_seconds: 0.8}
mix:
  save-checkpoint: {cold: 3, warm: 0}
  resume: {cold: 1, warm: 2}

"""#),
        BuiltinFile(
            name: "revision",
            text: #"""
schema: 1
name: revision
title: The second version of a dataset
imitates: >
  A dataset that is put again after a few insertions, deletions and changes: what a store that
  names chunks by content has to move between regions, beside the size of the files.
seed: 106
repetitions: 3
concurrent_regions: false
inputs:
  large_files: 6
  large_file_size: 8MiB
  edits: 6
  edit_size: 4KiB
limits: {prepare_seconds: 12, cold_seconds: 1.5, warm_seconds: 0.5}
mix:
  put-revision: {cold: 2, warm: 0}

"""#),
        BuiltinFile(
            name: "lock-contention",
            text: #"""
schema: 1
name: lock-contention
title: One record that all want to change
imitates: >
  A job queue or a counter in one file that two clients in each region update at the same time: take the
  lock on the whole file, read, write, sync, release. A volume refuses locks between hosts; what is
  measured there is the refusal, and the alternative: reload, replace, commit only if nobody else was
  first, and all of it again where somebody was.
seed: 108
repetitions: 3
clients: 2
inputs:
  records: 2
  record_size: 4KiB
limits: {prepare_seconds: 5, cold_seconds: 3.0, warm_seconds: 0}
mix:
  contended-update: {cold: 40, warm: 0}
  lock-refused: {cold: 2, warm: 0}

"""#),
    ]

    package static let maps: [BuiltinFile] = [
        BuiltinFile(
            name: "aws",
            text: #"""
# Made by make-maps.py; change that, or copy this file under another name.
# Jitter is the mean deviation of a round trip; 0.33 ms (their median) where none was measured.
# gbps and usd_per_gb: one figure for both directions, or [there, back]; usd_per_gb of a region holds for all its links.
schema: 1
name: aws
title: Amazon Web Services, 21 regions
source: round trips cloudping.co (by jvm-libp2p@267a4d46), throughput of 64 connections and deviation skyplane profiles, one flow aptos-core latency_table.csv@229bc41f, prices AWS list
date: round trips 2023-03-08, throughput 2022, prices 2023
same_region: {zone_ms: 0.1, between_zones_ms: 0.5}   # measured: 0.3 to 2.2 ms between zones
flow_window: 1027000   # bytes that one default TCP flow has under way: its throughput is this per round trip
regions:
  af-south-1: {title: Cape Town, latitude: -33.93, longitude: 18.42, usd_per_gb: 0.147}
  ap-east-1: {title: Hong Kong, latitude: 22.28, longitude: 114.17, usd_per_gb: 0.09}
  ap-northeast-1: {title: Tokyo, latitude: 35.69, longitude: 139.69, usd_per_gb: 0.09}
  ap-northeast-2: {title: Seoul, latitude: 37.57, longitude: 126.98, usd_per_gb: 0.08}
  ap-northeast-3: {title: Osaka, latitude: 34.69, longitude: 135.5, usd_per_gb: 0.09}
  ap-south-1: {title: Mumbai, latitude: 19.08, longitude: 72.88, usd_per_gb: 0.086}
  ap-southeast-1: {title: Singapore, latitude: 1.35, longitude: 103.82, usd_per_gb: 0.09}
  ap-southeast-2: {title: Sydney, latitude: -33.87, longitude: 151.21, usd_per_gb: 0.098}
  ca-central-1: {title: Montreal, latitude: 45.5, longitude: -73.57, usd_per_gb: 0.02}
  eu-central-1: {title: Frankfurt, latitude: 50.11, longitude: 8.68, usd_per_gb: 0.02}
  eu-north-1: {title: Stockholm, latitude: 59.33, longitude: 18.07, usd_per_gb: 0.02}
  eu-south-1: {title: Milan, latitude: 45.46, longitude: 9.19, usd_per_gb: 0.02}
  eu-west-1: {title: Dublin, latitude: 53.35, longitude: -6.26, usd_per_gb: 0.02}
  eu-west-2: {title: London, latitude: 51.51, longitude: -0.13, usd_per_gb: 0.02}
  eu-west-3: {title: Paris, latitude: 48.86, longitude: 2.35, usd_per_gb: 0.02}
  me-south-1: {title: Bahrain, latitude: 26.07, longitude: 50.56, usd_per_gb: 0.1105}
  sa-east-1: {title: São Paulo, latitude: -23.55, longitude: -46.63, usd_per_gb: 0.138}
  us-east-1: {title: Northern Virginia, latitude: 39.04, longitude: -77.49, usd_per_gb: 0.02}
  us-east-2: {title: Ohio, latitude: 39.96, longitude: -83.0, usd_per_gb: 0.02}
  us-west-1: {title: Northern California, latitude: 37.77, longitude: -122.42, usd_per_gb: 0.02}
  us-west-2: {title: Oregon, latitude: 45.84, longitude: -119.7, usd_per_gb: 0.02}
links:
  - {between: [af-south-1, ap-east-1], rtt_ms: 240.5, jitter_ms: 0.42, gbps: [2.57, 2.54]}
  - {between: [af-south-1, ap-northeast-1], rtt_ms: 355.5, jitter_ms: 0.41, gbps: [1.66, 1.64]}
  - {between: [af-south-1, ap-northeast-2], rtt_ms: 383, jitter_ms: 0.57, gbps: [1.31, 1.3]}
  - {between: [af-south-1, ap-northeast-3], rtt_ms: 362, jitter_ms: 0.51, gbps: [1.59, 1.52]}
  - {between: [af-south-1, ap-south-1], rtt_ms: 158.5, jitter_ms: 0.27, gbps: [3.52, 3.5]}
  - {between: [af-south-1, ap-southeast-1], rtt_ms: 203, jitter_ms: 0.38, gbps: [2.96, 2.97]}
  - {between: [af-south-1, ap-southeast-2], rtt_ms: 411.5, jitter_ms: 0.8, gbps: [1.07, 1.1]}
  - {between: [af-south-1, ca-central-1], rtt_ms: 224.5, jitter_ms: 0.54, gbps: [2.88, 2.83]}
  - {between: [af-south-1, eu-central-1], rtt_ms: 160.5, jitter_ms: 0.31, gbps: [3.54, 3.52]}
  - {between: [af-south-1, eu-north-1], rtt_ms: 177.5, jitter_ms: 0.43, gbps: 3.36}
  - {between: [af-south-1, eu-south-1], rtt_ms: 169.5, jitter_ms: 0.33, gbps: [3.29, 3.28]}
  - {between: [af-south-1, eu-west-1], rtt_ms: 158, jitter_ms: 0.16, gbps: 3.54}
  - {between: [af-south-1, eu-west-2], rtt_ms: 147, jitter_ms: 0.39, gbps: 3.59}
  - {between: [af-south-1, eu-west-3], rtt_ms: 150.5, jitter_ms: 0.33, gbps: 3.54}
  - {between: [af-south-1, me-south-1], rtt_ms: 145, jitter_ms: 0.27, gbps: 3.64}
  - {between: [af-south-1, sa-east-1], rtt_ms: 342.5, jitter_ms: 0.6, gbps: [1.85, 1.84]}
  - {between: [af-south-1, us-east-1], rtt_ms: 231.5, jitter_ms: 0.41, gbps: [2.94, 2.97]}
  - {between: [af-south-1, us-east-2], rtt_ms: 241.5, jitter_ms: 0.4, gbps: [2.84, 2.78]}
  - {between: [af-south-1, us-west-1], rtt_ms: 291, jitter_ms: 0.54, gbps: 2.26}
  - {between: [af-south-1, us-west-2], rtt_ms: 273.5, jitter_ms: 0.46, gbps: [2.43, 2.44]}
  - {between: [ap-east-1, ap-northeast-1], rtt_ms: 46, jitter_ms: 0.2, gbps: 4.5}
  - {between: [ap-east-1, ap-northeast-2], rtt_ms: 37.5, jitter_ms: 0.07, gbps: 4.56}
  - {between: [ap-east-1, ap-northeast-3], rtt_ms: 39, jitter_ms: 0.21, gbps: 4.54}
  - {between: [ap-east-1, ap-south-1], rtt_ms: 89, jitter_ms: 0.15, gbps: 4.02}
  - {between: [ap-east-1, ap-southeast-1], rtt_ms: 37.5, jitter_ms: 0.23, gbps: 4.53}
  - {between: [ap-east-1, ap-southeast-2], rtt_ms: 127, jitter_ms: 0.29, gbps: 3.68}
  - {between: [ap-east-1, ca-central-1], rtt_ms: 186, jitter_ms: 0.56, gbps: [3.26, 3.27]}
  - {between: [ap-east-1, eu-central-1], rtt_ms: 189, jitter_ms: 0.39, gbps: [3.17, 3.18]}
  - {between: [ap-east-1, eu-north-1], rtt_ms: 210.5, jitter_ms: 0.4, gbps: [3.03, 3.04]}
  - {between: [ap-east-1, eu-south-1], rtt_ms: 179.5, jitter_ms: 0.49, gbps: [3.28, 3.29]}
  - {between: [ap-east-1, eu-west-1], rtt_ms: 211.5, jitter_ms: 0.47, gbps: [3, 2.98]}
  - {between: [ap-east-1, eu-west-2], rtt_ms: 203, jitter_ms: 0.51, gbps: [3.03, 3.06]}
  - {between: [ap-east-1, eu-west-3], rtt_ms: 197, jitter_ms: 0.33, gbps: [3.1, 3.13]}
  - {between: [ap-east-1, me-south-1], rtt_ms: 121.5, jitter_ms: 0.23, gbps: [3.6, 3.61]}
  - {between: [ap-east-1, sa-east-1], rtt_ms: 299, jitter_ms: 0.7, gbps: [2.16, 2.13]}
  - {between: [ap-east-1, us-east-1], rtt_ms: 188, jitter_ms: 0.6, gbps: [3.27, 3.26]}
  - {between: [ap-east-1, us-east-2], rtt_ms: 175.5, jitter_ms: 0.19, gbps: 3.35}
  - {between: [ap-east-1, us-west-1], rtt_ms: 145.5, jitter_ms: 0.26, gbps: [3.62, 3.63]}
  - {between: [ap-east-1, us-west-2], rtt_ms: 136, jitter_ms: 0.44, gbps: [3.72, 3.71]}
  - {between: [ap-northeast-1, ap-northeast-2], rtt_ms: 33.5, jitter_ms: 0.15, gbps: 4.59}
  - {between: [ap-northeast-1, ap-northeast-3], rtt_ms: 10, jitter_ms: 0.12, gbps: 4.75}
  - {between: [ap-northeast-1, ap-south-1], rtt_ms: 124.5, jitter_ms: 0.38, gbps: [3.79, 3.78]}
  - {between: [ap-northeast-1, ap-southeast-1], rtt_ms: 68.5, jitter_ms: 0.23, gbps: [4.29, 4.28], flow_window: 1083000}
  - {between: [ap-northeast-1, ap-southeast-2], rtt_ms: 106.5, jitter_ms: 0.12, gbps: [3.95, 3.99], flow_window: 1037000}
  - {between: [ap-northeast-1, ca-central-1], rtt_ms: 143.5, jitter_ms: 0.33, gbps: [3.65, 3.64]}
  - {between: [ap-northeast-1, eu-central-1], rtt_ms: 223, jitter_ms: 0.57, gbps: [2.9, 2.87]}
  - {between: [ap-northeast-1, eu-north-1], rtt_ms: 243, jitter_ms: 0.45, gbps: 2.73}
  - {between: [ap-northeast-1, eu-south-1], rtt_ms: 213.5, jitter_ms: 0.55, gbps: [2.98, 2.96]}
  - {between: [ap-northeast-1, eu-west-1], rtt_ms: 201, jitter_ms: 0.11, gbps: [3.12, 3.14], flow_window: 1008000}
  - {between: [ap-northeast-1, eu-west-2], rtt_ms: 210.5, jitter_ms: 0.56, gbps: [3.04, 3.03]}
  - {between: [ap-northeast-1, eu-west-3], rtt_ms: 215.5, jitter_ms: 0.33, gbps: [2.96, 3]}
  - {between: [ap-northeast-1, me-south-1], rtt_ms: 161.5, jitter_ms: 0.2, gbps: 3.43}
  - {between: [ap-northeast-1, sa-east-1], rtt_ms: 256.5, jitter_ms: 0.43, gbps: 2.57, flow_window: 1028000}
  - {between: [ap-northeast-1, us-east-1], rtt_ms: 146, jitter_ms: 0.3, gbps: [3.66, 3.65]}
  - {between: [ap-northeast-1, us-east-2], rtt_ms: 134, jitter_ms: 0.31, gbps: 3.75}
  - {between: [ap-northeast-1, us-west-1], rtt_ms: 108, jitter_ms: 0.32, gbps: [3.98, 3.99]}
  - {between: [ap-northeast-1, us-west-2], rtt_ms: 97.5, jitter_ms: 0.33, gbps: [4.08, 4.07]}
  - {between: [ap-northeast-2, ap-northeast-3], rtt_ms: 24, jitter_ms: 0.14, gbps: 4.63}
  - {between: [ap-northeast-2, ap-south-1], rtt_ms: 125, jitter_ms: 0.3, gbps: [3.69, 3.68]}
  - {between: [ap-northeast-2, ap-southeast-1], rtt_ms: 69.5, jitter_ms: 0.17, gbps: [4.28, 4.24]}
  - {between: [ap-northeast-2, ap-southeast-2], rtt_ms: 141.5, jitter_ms: 0.3, gbps: [3.66, 3.65]}
  - {between: [ap-northeast-2, ca-central-1], rtt_ms: 172, jitter_ms: 0.14, gbps: 3.39}
  - {between: [ap-northeast-2, eu-central-1], rtt_ms: 223, jitter_ms: 0.45, gbps: [2.85, 2.87]}
  - {between: [ap-northeast-2, eu-north-1], rtt_ms: 241.5, jitter_ms: 0.34, gbps: [2.7, 2.67]}
  - {between: [ap-northeast-2, eu-south-1], rtt_ms: 213, jitter_ms: 0.31, gbps: [2.92, 2.93]}
  - {between: [ap-northeast-2, eu-west-1], rtt_ms: 229.5, jitter_ms: 0.42, gbps: [2.84, 2.87]}
  - {between: [ap-northeast-2, eu-west-2], rtt_ms: 238, jitter_ms: 0.49, gbps: 2.75}
  - {between: [ap-northeast-2, eu-west-3], rtt_ms: 245, jitter_ms: 0.33, gbps: [2.71, 2.7]}
  - {between: [ap-northeast-2, me-south-1], rtt_ms: 157.5, jitter_ms: 0.22, gbps: 3.28}
  - {between: [ap-northeast-2, sa-east-1], rtt_ms: 285, jitter_ms: 0.53, gbps: 2.29}
  - {between: [ap-northeast-2, us-east-1], rtt_ms: 174, jitter_ms: 0.4, gbps: 3.39}
  - {between: [ap-northeast-2, us-east-2], rtt_ms: 161.5, jitter_ms: 0.23, gbps: 3.48}
  - {between: [ap-northeast-2, us-west-1], rtt_ms: 128, jitter_ms: 0.32, gbps: 3.73}
  - {between: [ap-northeast-2, us-west-2], rtt_ms: 119, jitter_ms: 0.36, gbps: [3.81, 3.82]}
  - {between: [ap-northeast-3, ap-south-1], rtt_ms: 131, jitter_ms: 0.38, gbps: 3.8}
  - {between: [ap-northeast-3, ap-southeast-1], rtt_ms: 75, jitter_ms: 0.24, gbps: [4.3, 4.28]}
  - {between: [ap-northeast-3, ap-southeast-2], rtt_ms: 118.5, jitter_ms: 0.24, gbps: 3.89}
  - {between: [ap-northeast-3, ca-central-1], rtt_ms: 149.5, jitter_ms: 0.42, gbps: 3.59}
  - {between: [ap-northeast-3, eu-central-1], rtt_ms: 230.5, jitter_ms: 0.35, gbps: [2.89, 2.91]}
  - {between: [ap-northeast-3, eu-north-1], rtt_ms: 248.5, jitter_ms: 0.38, gbps: [2.73, 2.72]}
  - {between: [ap-northeast-3, eu-south-1], rtt_ms: 220, jitter_ms: 0.32, gbps: [2.98, 2.96]}
  - {between: [ap-northeast-3, eu-west-1], rtt_ms: 207, jitter_ms: 0.52, gbps: 3.06}
  - {between: [ap-northeast-3, eu-west-2], rtt_ms: 216.5, jitter_ms: 0.56, gbps: [2.96, 2.95]}
  - {between: [ap-northeast-3, eu-west-3], rtt_ms: 221, jitter_ms: 0.33, gbps: [2.92, 2.91]}
  - {between: [ap-northeast-3, me-south-1], rtt_ms: 167, jitter_ms: 0.18, gbps: [3.49, 3.48]}
  - {between: [ap-northeast-3, sa-east-1], rtt_ms: 262.5, jitter_ms: 0.29, gbps: [2.5, 2.51]}
  - {between: [ap-northeast-3, us-east-1], rtt_ms: 150.5, jitter_ms: 0.38, gbps: [3.6, 3.59]}
  - {between: [ap-northeast-3, us-east-2], rtt_ms: 138, jitter_ms: 0.43, gbps: [3.67, 3.69]}
  - {between: [ap-northeast-3, us-west-1], rtt_ms: 110, jitter_ms: 0.32, gbps: 3.95}
  - {between: [ap-northeast-3, us-west-2], rtt_ms: 99, jitter_ms: 0.3, gbps: 4.04}
  - {between: [ap-south-1, ap-southeast-1], rtt_ms: 56, jitter_ms: 0.19, gbps: [4.39, 4.37]}
  - {between: [ap-south-1, ap-southeast-2], rtt_ms: 145.5, jitter_ms: 0.42, gbps: 3.6}
  - {between: [ap-south-1, ca-central-1], rtt_ms: 186.5, jitter_ms: 0.33, gbps: 3.01}
  - {between: [ap-south-1, eu-central-1], rtt_ms: 110, jitter_ms: 0.34, gbps: [3.76, 3.74]}
  - {between: [ap-south-1, eu-north-1], rtt_ms: 130.5, jitter_ms: 0.33, gbps: 3.58}
  - {between: [ap-south-1, eu-south-1], rtt_ms: 101.5, jitter_ms: 0.39, gbps: [3.83, 3.81]}
  - {between: [ap-south-1, eu-west-1], rtt_ms: 120, jitter_ms: 0.27, gbps: [3.63, 3.62]}
  - {between: [ap-south-1, eu-west-2], rtt_ms: 111, jitter_ms: 0.21, gbps: [3.71, 3.72]}
  - {between: [ap-south-1, eu-west-3], rtt_ms: 104, jitter_ms: 0.33, gbps: [3.78, 3.76]}
  - {between: [ap-south-1, me-south-1], rtt_ms: 35, jitter_ms: 0.19, gbps: 4.58}
  - {between: [ap-south-1, sa-east-1], rtt_ms: 297.5, jitter_ms: 0.36, gbps: [1.95, 1.94]}
  - {between: [ap-south-1, us-east-1], rtt_ms: 185.5, jitter_ms: 0.23, gbps: 3.04}
  - {between: [ap-south-1, us-east-2], rtt_ms: 195.5, jitter_ms: 0.36, gbps: [2.94, 2.93]}
  - {between: [ap-south-1, us-west-1], rtt_ms: 227.5, jitter_ms: 0.21, gbps: [2.81, 2.84]}
  - {between: [ap-south-1, us-west-2], rtt_ms: 217.5, jitter_ms: 0.49, gbps: [2.93, 2.9]}
  - {between: [ap-southeast-1, ap-southeast-2], rtt_ms: 93, jitter_ms: 0.25, gbps: 4.11, flow_window: 1026000}
  - {between: [ap-southeast-1, ca-central-1], rtt_ms: 209.5, jitter_ms: 0.11, gbps: 3.03}
  - {between: [ap-southeast-1, eu-central-1], rtt_ms: 157.5, jitter_ms: 0.41, gbps: 3.5}
  - {between: [ap-southeast-1, eu-north-1], rtt_ms: 177.5, jitter_ms: 0.48, gbps: 3.32}
  - {between: [ap-southeast-1, eu-south-1], rtt_ms: 149, jitter_ms: 0.34, gbps: [3.57, 3.58]}
  - {between: [ap-southeast-1, eu-west-1], rtt_ms: 181.5, jitter_ms: 0.36, gbps: 3.31}
  - {between: [ap-southeast-1, eu-west-2], rtt_ms: 171, jitter_ms: 0.44, gbps: [3.39, 3.38]}
  - {between: [ap-southeast-1, eu-west-3], rtt_ms: 166.5, jitter_ms: 0.33, gbps: 3.43, flow_window: 1015000}
  - {between: [ap-southeast-1, me-south-1], rtt_ms: 86, jitter_ms: 0.2, gbps: [4.11, 4.12]}
  - {between: [ap-southeast-1, sa-east-1], rtt_ms: 322, jitter_ms: 0.61, gbps: [1.93, 1.92]}
  - {between: [ap-southeast-1, us-east-1], rtt_ms: 212, jitter_ms: 0.44, gbps: [3.05, 3.03]}
  - {between: [ap-southeast-1, us-east-2], rtt_ms: 200, jitter_ms: 0.36, gbps: [3.11, 3.13]}
  - {between: [ap-southeast-1, us-west-1], rtt_ms: 171.5, jitter_ms: 0.53, gbps: 3.37}
  - {between: [ap-southeast-1, us-west-2], rtt_ms: 161.5, jitter_ms: 0.18, gbps: [3.45, 3.44]}
  - {between: [ap-southeast-2, ca-central-1], rtt_ms: 197.5, jitter_ms: 0.44, gbps: [3.14, 3.13]}
  - {between: [ap-southeast-2, eu-central-1], rtt_ms: 249, jitter_ms: 0.41, gbps: [2.63, 2.61]}
  - {between: [ap-southeast-2, eu-north-1], rtt_ms: 294.5, jitter_ms: 0.53, gbps: [2.25, 2.24]}
  - {between: [ap-southeast-2, eu-south-1], rtt_ms: 238, jitter_ms: 0.33, gbps: [2.7, 2.73]}
  - {between: [ap-southeast-2, eu-west-1], rtt_ms: 256, jitter_ms: 0.62, gbps: [2.62, 2.59]}
  - {between: [ap-southeast-2, eu-west-2], rtt_ms: 264.5, jitter_ms: 0.26, gbps: [2.51, 2.52]}
  - {between: [ap-southeast-2, eu-west-3], rtt_ms: 279, jitter_ms: 0.33, gbps: [2.33, 2.32]}
  - {between: [ap-southeast-2, me-south-1], rtt_ms: 177.5, jitter_ms: 0.48, gbps: 3.32}
  - {between: [ap-southeast-2, sa-east-1], rtt_ms: 311.5, jitter_ms: 0.68, gbps: [2.06, 2.04], flow_window: 1018000}
  - {between: [ap-southeast-2, us-east-1], rtt_ms: 198.5, jitter_ms: 0.37, gbps: [3.11, 3.12]}
  - {between: [ap-southeast-2, us-east-2], rtt_ms: 187, jitter_ms: 0.49, gbps: [3.23, 3.22]}
  - {between: [ap-southeast-2, us-west-1], rtt_ms: 138.5, jitter_ms: 0.4, gbps: [3.68, 3.67]}
  - {between: [ap-southeast-2, us-west-2], rtt_ms: 140, jitter_ms: 0.5, gbps: 3.66}
  - {between: [ca-central-1, eu-central-1], rtt_ms: 92, jitter_ms: 0.3, gbps: 4.13}
  - {between: [ca-central-1, eu-north-1], rtt_ms: 107.5, jitter_ms: 0.35, gbps: 3.97}
  - {between: [ca-central-1, eu-south-1], rtt_ms: 100, jitter_ms: 0.17, gbps: [4.03, 4.02]}
  - {between: [ca-central-1, eu-west-1], rtt_ms: 70, jitter_ms: 0.16, gbps: 4.29}
  - {between: [ca-central-1, eu-west-2], rtt_ms: 78, jitter_ms: 0.1, gbps: 4.22}
  - {between: [ca-central-1, eu-west-3], rtt_ms: 83.5, jitter_ms: 0.33, gbps: [4.17, 4.18]}
  - {between: [ca-central-1, me-south-1], rtt_ms: 162.5, jitter_ms: 0.43, gbps: 3.51}
  - {between: [ca-central-1, sa-east-1], rtt_ms: 125, jitter_ms: 0.35, gbps: [3.78, 3.8]}
  - {between: [ca-central-1, us-east-1], rtt_ms: 14.5, jitter_ms: 0.11, gbps: 4.72}
  - {between: [ca-central-1, us-east-2], rtt_ms: 24.5, jitter_ms: 0.13, gbps: 4.65}
  - {between: [ca-central-1, us-west-1], rtt_ms: 79, jitter_ms: 0.17, gbps: 4.23}
  - {between: [ca-central-1, us-west-2], rtt_ms: 60, jitter_ms: 0.22, gbps: 4.35}
  - {between: [eu-central-1, eu-north-1], rtt_ms: 22, jitter_ms: 0.15, gbps: 4.68}
  - {between: [eu-central-1, eu-south-1], rtt_ms: 11.5, jitter_ms: 0.09, gbps: 4.74}
  - {between: [eu-central-1, eu-west-1], rtt_ms: 26.5, jitter_ms: 0.37, gbps: 4.66}
  - {between: [eu-central-1, eu-west-2], rtt_ms: 17, jitter_ms: 0.14, gbps: 4.71}
  - {between: [eu-central-1, eu-west-3], rtt_ms: 12, jitter_ms: 0.33, gbps: 4.75}
  - {between: [eu-central-1, me-south-1], rtt_ms: 86, jitter_ms: 0.2, gbps: [4.14, 4.16]}
  - {between: [eu-central-1, sa-east-1], rtt_ms: 204, jitter_ms: 0.49, gbps: [3.09, 3.08]}
  - {between: [eu-central-1, us-east-1], rtt_ms: 91.5, jitter_ms: 0.14, gbps: [4.11, 4.12]}
  - {between: [eu-central-1, us-east-2], rtt_ms: 102, jitter_ms: 0.26, gbps: [4.02, 4.04]}
  - {between: [eu-central-1, us-west-1], rtt_ms: 151, jitter_ms: 0.15, gbps: [3.59, 3.58]}
  - {between: [eu-central-1, us-west-2], rtt_ms: 140.5, jitter_ms: 0.49, gbps: [3.66, 3.65]}
  - {between: [eu-north-1, eu-south-1], rtt_ms: 31, jitter_ms: 0.15, gbps: [4.61, 4.62]}
  - {between: [eu-north-1, eu-west-1], rtt_ms: 41.5, jitter_ms: 0.24, gbps: 4.54, flow_window: 1115000}
  - {between: [eu-north-1, eu-west-2], rtt_ms: 32.5, jitter_ms: 0.15, gbps: 4.6}
  - {between: [eu-north-1, eu-west-3], rtt_ms: 30, jitter_ms: 0.33, gbps: 4.63}
  - {between: [eu-north-1, me-south-1], rtt_ms: 105, jitter_ms: 0.2, gbps: 4.01}
  - {between: [eu-north-1, sa-east-1], rtt_ms: 215, jitter_ms: 0.29, gbps: [2.95, 2.97]}
  - {between: [eu-north-1, us-east-1], rtt_ms: 111.5, jitter_ms: 0.27, gbps: 3.96}
  - {between: [eu-north-1, us-east-2], rtt_ms: 121, jitter_ms: 0.44, gbps: 3.87}
  - {between: [eu-north-1, us-west-1], rtt_ms: 174, jitter_ms: 0.38, gbps: 3.37}
  - {between: [eu-north-1, us-west-2], rtt_ms: 157.5, jitter_ms: 0.39, gbps: 3.52}
  - {between: [eu-south-1, eu-west-1], rtt_ms: 34.5, jitter_ms: 0.17, gbps: 4.58}
  - {between: [eu-south-1, eu-west-2], rtt_ms: 25, jitter_ms: 0.21, gbps: 4.64}
  - {between: [eu-south-1, eu-west-3], rtt_ms: 20, jitter_ms: 0.33, gbps: 4.69}
  - {between: [eu-south-1, me-south-1], rtt_ms: 77.5, jitter_ms: 0.1, gbps: [4.22, 4.21]}
  - {between: [eu-south-1, sa-east-1], rtt_ms: 213, jitter_ms: 0.45, gbps: [3, 2.99]}
  - {between: [eu-south-1, us-east-1], rtt_ms: 101.5, jitter_ms: 0.18, gbps: 4.02}
  - {between: [eu-south-1, us-east-2], rtt_ms: 110.5, jitter_ms: 0.33, gbps: 3.94}
  - {between: [eu-south-1, us-west-1], rtt_ms: 160, jitter_ms: 0.49, gbps: 3.51}
  - {between: [eu-south-1, us-west-2], rtt_ms: 150.5, jitter_ms: 0.39, gbps: 3.57}
  - {between: [eu-west-1, eu-west-2], rtt_ms: 13, jitter_ms: 0.11, gbps: [4.74, 4.73], flow_window: 1127000}
  - {between: [eu-west-1, eu-west-3], rtt_ms: 18, jitter_ms: 0.33, gbps: 4.7, flow_window: 1025000}
  - {between: [eu-west-1, me-south-1], rtt_ms: 95.5, jitter_ms: 0.35, gbps: [4.11, 4.09]}
  - {between: [eu-west-1, sa-east-1], rtt_ms: 176.5, jitter_ms: 0.32, gbps: [3.33, 3.34], flow_window: 1028000}
  - {between: [eu-west-1, us-east-1], rtt_ms: 69.5, jitter_ms: 0.26, gbps: [4.31, 4.32]}
  - {between: [eu-west-1, us-east-2], rtt_ms: 79, jitter_ms: 0.19, gbps: 4.24}
  - {between: [eu-west-1, us-west-1], rtt_ms: 128, jitter_ms: 0.3, gbps: [3.71, 3.72]}
  - {between: [eu-west-1, us-west-2], rtt_ms: 119, jitter_ms: 0.34, gbps: [3.87, 3.85]}
  - {between: [eu-west-2, eu-west-3], rtt_ms: 9.5, jitter_ms: 0.33, gbps: 4.75, flow_window: 951000}
  - {between: [eu-west-2, me-south-1], rtt_ms: 87, jitter_ms: 0.34, gbps: [4.18, 4.17]}
  - {between: [eu-west-2, sa-east-1], rtt_ms: 186, jitter_ms: 0.4, gbps: [3.21, 3.22]}
  - {between: [eu-west-2, us-east-1], rtt_ms: 76, jitter_ms: 0.25, gbps: 4.23}
  - {between: [eu-west-2, us-east-2], rtt_ms: 86, jitter_ms: 0.29, gbps: 4.16}
  - {between: [eu-west-2, us-west-1], rtt_ms: 147, jitter_ms: 0.26, gbps: [3.63, 3.62]}
  - {between: [eu-west-2, us-west-2], rtt_ms: 128, jitter_ms: 0.46, gbps: 3.77}
  - {between: [eu-west-3, me-south-1], rtt_ms: 79.5, jitter_ms: 0.33, gbps: [4.22, 4.21]}
  - {between: [eu-west-3, sa-east-1], rtt_ms: 194.5, jitter_ms: 0.33, gbps: 3.16}
  - {between: [eu-west-3, us-east-1], rtt_ms: 82.5, jitter_ms: 0.33, gbps: [4.17, 4.18]}
  - {between: [eu-west-3, us-east-2], rtt_ms: 92.5, jitter_ms: 0.33, gbps: 4.09}
  - {between: [eu-west-3, us-west-1], rtt_ms: 142.5, jitter_ms: 0.33, gbps: [3.65, 3.66]}
  - {between: [eu-west-3, us-west-2], rtt_ms: 134, jitter_ms: 0.33, gbps: [3.73, 3.72]}
  - {between: [me-south-1, sa-east-1], rtt_ms: 272, jitter_ms: 0.49, gbps: 2.45}
  - {between: [me-south-1, us-east-1], rtt_ms: 160, jitter_ms: 0.34, gbps: [3.51, 3.5]}
  - {between: [me-south-1, us-east-2], rtt_ms: 170, jitter_ms: 0.37, gbps: [3.42, 3.41]}
  - {between: [me-south-1, us-west-1], rtt_ms: 220, jitter_ms: 0.46, gbps: [2.98, 2.96]}
  - {between: [me-south-1, us-west-2], rtt_ms: 211.5, jitter_ms: 0.49, gbps: 3.03}
  - {between: [sa-east-1, us-east-1], rtt_ms: 113.5, jitter_ms: 0.25, gbps: 3.91}
  - {between: [sa-east-1, us-east-2], rtt_ms: 124, jitter_ms: 0.32, gbps: 3.82}
  - {between: [sa-east-1, us-west-1], rtt_ms: 172, jitter_ms: 0.48, gbps: [3.39, 3.38]}
  - {between: [sa-east-1, us-west-2], rtt_ms: 174, jitter_ms: 0.39, gbps: [3.36, 3.35]}
  - {between: [us-east-1, us-east-2], rtt_ms: 12.5, jitter_ms: 0.1, gbps: 4.73, usd_per_gb: 0.01}
  - {between: [us-east-1, us-west-1], rtt_ms: 62, jitter_ms: 0.16, gbps: 4.36}
  - {between: [us-east-1, us-west-2], rtt_ms: 63.5, jitter_ms: 0.15, gbps: 4.35}
  - {between: [us-east-2, us-west-1], rtt_ms: 51.5, jitter_ms: 0.2, gbps: [4.46, 4.45]}
  - {between: [us-east-2, us-west-2], rtt_ms: 51.5, jitter_ms: 0.3, gbps: [4.46, 4.47]}
  - {between: [us-west-1, us-west-2], rtt_ms: 22, jitter_ms: 0.21, gbps: 4.68}

"""#),
        BuiltinFile(
            name: "azure",
            text: #"""
# Made by make-maps.py; change that, or copy this file under another name.
# Only the round trips of this map are measured: jitter, throughput and price are assumptions, as said under source.
schema: 1
name: azure
title: Microsoft Azure, 21 regions
source: round trips skyplane profiles/latency.csv@945dca27; jitter, throughput and prices assumed
date: round trips 2022-04-16
same_region: {zone_ms: 0.1, between_zones_ms: 0.5}   # measured: 0.3 to 2.2 ms between zones
flow_window: 1027000   # bytes that one default TCP flow has under way: its throughput is this per round trip
regions:
  australiaeast: {title: New South Wales, latitude: -33.86, longitude: 151.21, usd_per_gb: 0.08}
  brazilsouth: {title: São Paulo, latitude: -23.55, longitude: -46.63, usd_per_gb: 0.16}
  canadacentral: {title: Toronto, latitude: 43.65, longitude: -79.38, usd_per_gb: 0.02}
  centralindia: {title: Pune, latitude: 18.58, longitude: 73.92, usd_per_gb: 0.08}
  eastasia: {title: Hong Kong, latitude: 22.27, longitude: 114.19, usd_per_gb: 0.08}
  eastus: {title: Virginia, latitude: 37.37, longitude: -79.82, usd_per_gb: 0.02}
  francecentral: {title: Paris, latitude: 46.38, longitude: 2.37, usd_per_gb: 0.02}
  germanywestcentral: {title: Frankfurt, latitude: 50.11, longitude: 8.68, usd_per_gb: 0.02}
  japaneast: {title: Tokyo, latitude: 35.68, longitude: 139.77, usd_per_gb: 0.08}
  koreacentral: {title: Seoul, latitude: 37.57, longitude: 126.98, usd_per_gb: 0.08}
  northcentralus: {title: Illinois, latitude: 41.88, longitude: -87.63, usd_per_gb: 0.02}
  northeurope: {title: Ireland, latitude: 53.35, longitude: -6.26, usd_per_gb: 0.02}
  norwayeast: {title: Oslo, latitude: 59.91, longitude: 10.75, usd_per_gb: 0.02}
  southafricanorth: {title: Johannesburg, latitude: -25.73, longitude: 28.22, usd_per_gb: 0.16}
  swedencentral: {title: Gävle, latitude: 60.67, longitude: 17.14, usd_per_gb: 0.02}
  switzerlandnorth: {title: Zürich, latitude: 47.45, longitude: 8.56, usd_per_gb: 0.02}
  uaenorth: {title: Dubai, latitude: 25.27, longitude: 55.32, usd_per_gb: 0.16}
  uksouth: {title: London, latitude: 50.94, longitude: -0.8, usd_per_gb: 0.02}
  westeurope: {title: Netherlands, latitude: 52.37, longitude: 4.9, usd_per_gb: 0.02}
  westus: {title: California, latitude: 37.78, longitude: -122.42, usd_per_gb: 0.02}
  westus3: {title: Phoenix, latitude: 33.45, longitude: -112.07, usd_per_gb: 0.02}
links:
  - {between: [australiaeast, brazilsouth], rtt_ms: 323.6, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, canadacentral], rtt_ms: 197.2, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, centralindia], rtt_ms: 135.8, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, eastasia], rtt_ms: 116.4, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, eastus], rtt_ms: 234.3, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, francecentral], rtt_ms: 236.5, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, germanywestcentral], rtt_ms: 239.1, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, japaneast], rtt_ms: 101.9, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, koreacentral], rtt_ms: 129.4, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, northcentralus], rtt_ms: 181.7, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, northeurope], rtt_ms: 250, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, norwayeast], rtt_ms: 264.1, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, southafricanorth], rtt_ms: 381.7, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, swedencentral], rtt_ms: 264.3, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, switzerlandnorth], rtt_ms: 235.5, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, uaenorth], rtt_ms: 165.5, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, uksouth], rtt_ms: 242.7, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, westeurope], rtt_ms: 245.9, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, westus], rtt_ms: 138.4, jitter_ms: 0.33, gbps: 3}
  - {between: [australiaeast, westus3], rtt_ms: 153.2, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, canadacentral], rtt_ms: 130.4, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, centralindia], rtt_ms: 302.2, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, eastasia], rtt_ms: 311.5, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, eastus], rtt_ms: 116.8, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, francecentral], rtt_ms: 185.3, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, germanywestcentral], rtt_ms: 190.2, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, japaneast], rtt_ms: 265.3, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, koreacentral], rtt_ms: 303.8, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, northcentralus], rtt_ms: 137.4, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, northeurope], rtt_ms: 171.3, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, norwayeast], rtt_ms: 207, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, southafricanorth], rtt_ms: 344.6, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, swedencentral], rtt_ms: 209.1, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, switzerlandnorth], rtt_ms: 195.2, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, uaenorth], rtt_ms: 293.1, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, uksouth], rtt_ms: 180.5, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, westeurope], rtt_ms: 185.2, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, westus], rtt_ms: 186.7, jitter_ms: 0.33, gbps: 3}
  - {between: [brazilsouth, westus3], rtt_ms: 157.3, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, centralindia], rtt_ms: 206.7, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, eastasia], rtt_ms: 196.7, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, eastus], rtt_ms: 18.9, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, francecentral], rtt_ms: 97.3, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, germanywestcentral], rtt_ms: 105.5, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, japaneast], rtt_ms: 153.4, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, koreacentral], rtt_ms: 177.7, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, northcentralus], rtt_ms: 15.1, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, northeurope], rtt_ms: 83.8, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, norwayeast], rtt_ms: 118.8, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, southafricanorth], rtt_ms: 263.6, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, swedencentral], rtt_ms: 118.6, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, switzerlandnorth], rtt_ms: 111.3, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, uaenorth], rtt_ms: 201, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, uksouth], rtt_ms: 93.2, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, westeurope], rtt_ms: 97.8, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, westus], rtt_ms: 59, jitter_ms: 0.33, gbps: 3}
  - {between: [canadacentral, westus3], rtt_ms: 64.2, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, eastasia], rtt_ms: 83, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, eastus], rtt_ms: 196.8, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, francecentral], rtt_ms: 119.8, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, germanywestcentral], rtt_ms: 125.4, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, japaneast], rtt_ms: 116.3, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, koreacentral], rtt_ms: 123.1, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, northcentralus], rtt_ms: 214, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, northeurope], rtt_ms: 129.3, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, norwayeast], rtt_ms: 140.2, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, southafricanorth], rtt_ms: 272.9, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, swedencentral], rtt_ms: 144, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, switzerlandnorth], rtt_ms: 114.5, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, uaenorth], rtt_ms: 34.3, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, uksouth], rtt_ms: 121, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, westeurope], rtt_ms: 126.6, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, westus], rtt_ms: 215.7, jitter_ms: 0.33, gbps: 3}
  - {between: [centralindia, westus3], rtt_ms: 220.4, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, eastus], rtt_ms: 197.6, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, francecentral], rtt_ms: 177.9, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, germanywestcentral], rtt_ms: 184.2, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, japaneast], rtt_ms: 46.8, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, koreacentral], rtt_ms: 77.3, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, northcentralus], rtt_ms: 192.1, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, northeurope], rtt_ms: 194.8, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, norwayeast], rtt_ms: 205.4, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, southafricanorth], rtt_ms: 325.3, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, swedencentral], rtt_ms: 208.8, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, switzerlandnorth], rtt_ms: 180.1, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, uaenorth], rtt_ms: 111.7, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, uksouth], rtt_ms: 183.4, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, westeurope], rtt_ms: 189.4, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, westus], rtt_ms: 148, jitter_ms: 0.33, gbps: 3}
  - {between: [eastasia, westus3], rtt_ms: 154.3, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, francecentral], rtt_ms: 81.2, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, germanywestcentral], rtt_ms: 87.8, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, japaneast], rtt_ms: 156.2, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, koreacentral], rtt_ms: 178.5, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, northcentralus], rtt_ms: 16, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, northeurope], rtt_ms: 66.4, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, norwayeast], rtt_ms: 101.5, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, southafricanorth], rtt_ms: 244.2, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, swedencentral], rtt_ms: 103.5, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, switzerlandnorth], rtt_ms: 94, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, uaenorth], rtt_ms: 189.1, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, uksouth], rtt_ms: 76.3, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, westeurope], rtt_ms: 80.3, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, westus], rtt_ms: 61.7, jitter_ms: 0.33, gbps: 3}
  - {between: [eastus, westus3], rtt_ms: 49.1, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, germanywestcentral], rtt_ms: 9.2, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, japaneast], rtt_ms: 216.9, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, koreacentral], rtt_ms: 219.3, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, northcentralus], rtt_ms: 96.5, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, northeurope], rtt_ms: 16.3, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, norwayeast], rtt_ms: 33.5, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, southafricanorth], rtt_ms: 171.3, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, swedencentral], rtt_ms: 33.4, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, switzerlandnorth], rtt_ms: 15.5, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, uaenorth], rtt_ms: 110.5, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, uksouth], rtt_ms: 12.3, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, westeurope], rtt_ms: 11.2, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, westus], rtt_ms: 139.9, jitter_ms: 0.33, gbps: 3}
  - {between: [francecentral, westus3], rtt_ms: 131.8, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, japaneast], rtt_ms: 218.1, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, koreacentral], rtt_ms: 223.3, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, northcentralus], rtt_ms: 103.1, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, northeurope], rtt_ms: 23.2, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, norwayeast], rtt_ms: 23.9, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, southafricanorth], rtt_ms: 181.7, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, swedencentral], rtt_ms: 26.3, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, switzerlandnorth], rtt_ms: 7.6, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, uaenorth], rtt_ms: 116.1, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, uksouth], rtt_ms: 14.9, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, westeurope], rtt_ms: 14.8, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, westus], rtt_ms: 148.6, jitter_ms: 0.33, gbps: 3}
  - {between: [germanywestcentral, westus3], rtt_ms: 136.2, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, koreacentral], rtt_ms: 30.1, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, northcentralus], rtt_ms: 142, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, northeurope], rtt_ms: 230.8, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, norwayeast], rtt_ms: 242.7, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, southafricanorth], rtt_ms: 360.4, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, swedencentral], rtt_ms: 241.6, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, switzerlandnorth], rtt_ms: 214.7, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, uaenorth], rtt_ms: 145.3, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, uksouth], rtt_ms: 229.1, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, westeurope], rtt_ms: 224.2, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, westus], rtt_ms: 105.5, jitter_ms: 0.33, gbps: 3}
  - {between: [japaneast, westus3], rtt_ms: 106.8, jitter_ms: 0.33, gbps: 3}
  - {between: [koreacentral, northcentralus], rtt_ms: 164.1, jitter_ms: 0.33, gbps: 3}
  - {between: [koreacentral, northeurope], rtt_ms: 234.9, jitter_ms: 0.33, gbps: 3}
  - {between: [koreacentral, norwayeast], rtt_ms: 245.1, jitter_ms: 0.33, gbps: 3}
  - {between: [koreacentral, southafricanorth], rtt_ms: 365.5, jitter_ms: 0.33, gbps: 3}
  - {between: [koreacentral, swedencentral], rtt_ms: 248.3, jitter_ms: 0.33, gbps: 3}
  - {between: [koreacentral, switzerlandnorth], rtt_ms: 218.5, jitter_ms: 0.33, gbps: 3}
  - {between: [koreacentral, uaenorth], rtt_ms: 151.8, jitter_ms: 0.33, gbps: 3}
  - {between: [koreacentral, uksouth], rtt_ms: 224.1, jitter_ms: 0.33, gbps: 3}
  - {between: [koreacentral, westeurope], rtt_ms: 233.6, jitter_ms: 0.33, gbps: 3}
  - {between: [koreacentral, westus], rtt_ms: 129.6, jitter_ms: 0.33, gbps: 3}
  - {between: [koreacentral, westus3], rtt_ms: 133.3, jitter_ms: 0.33, gbps: 3}
  - {between: [northcentralus, northeurope], rtt_ms: 81.4, jitter_ms: 0.33, gbps: 3}
  - {between: [northcentralus, norwayeast], rtt_ms: 117.1, jitter_ms: 0.33, gbps: 3}
  - {between: [northcentralus, southafricanorth], rtt_ms: 261.1, jitter_ms: 0.33, gbps: 3}
  - {between: [northcentralus, swedencentral], rtt_ms: 126.2, jitter_ms: 0.33, gbps: 3}
  - {between: [northcentralus, switzerlandnorth], rtt_ms: 108.9, jitter_ms: 0.33, gbps: 3}
  - {between: [northcentralus, uaenorth], rtt_ms: 209.5, jitter_ms: 0.33, gbps: 3}
  - {between: [northcentralus, uksouth], rtt_ms: 91.7, jitter_ms: 0.33, gbps: 3}
  - {between: [northcentralus, westeurope], rtt_ms: 95.5, jitter_ms: 0.33, gbps: 3}
  - {between: [northcentralus, westus], rtt_ms: 48.1, jitter_ms: 0.33, gbps: 3}
  - {between: [northcentralus, westus3], rtt_ms: 55.5, jitter_ms: 0.33, gbps: 3}
  - {between: [northeurope, norwayeast], rtt_ms: 36.6, jitter_ms: 0.33, gbps: 3}
  - {between: [northeurope, southafricanorth], rtt_ms: 177.1, jitter_ms: 0.33, gbps: 3}
  - {between: [northeurope, swedencentral], rtt_ms: 44.1, jitter_ms: 0.33, gbps: 3}
  - {between: [northeurope, switzerlandnorth], rtt_ms: 32.5, jitter_ms: 0.33, gbps: 3}
  - {between: [northeurope, uaenorth], rtt_ms: 124, jitter_ms: 0.33, gbps: 3}
  - {between: [northeurope, uksouth], rtt_ms: 11.4, jitter_ms: 0.33, gbps: 3}
  - {between: [northeurope, westeurope], rtt_ms: 14.9, jitter_ms: 0.33, gbps: 3}
  - {between: [northeurope, westus], rtt_ms: 125.1, jitter_ms: 0.33, gbps: 3}
  - {between: [northeurope, westus3], rtt_ms: 118.5, jitter_ms: 0.33, gbps: 3}
  - {between: [norwayeast, southafricanorth], rtt_ms: 198, jitter_ms: 0.33, gbps: 3}
  - {between: [norwayeast, swedencentral], rtt_ms: 9.1, jitter_ms: 0.33, gbps: 3}
  - {between: [norwayeast, switzerlandnorth], rtt_ms: 29.3, jitter_ms: 0.33, gbps: 3}
  - {between: [norwayeast, uaenorth], rtt_ms: 137.3, jitter_ms: 0.33, gbps: 3}
  - {between: [norwayeast, uksouth], rtt_ms: 27.3, jitter_ms: 0.33, gbps: 3}
  - {between: [norwayeast, westeurope], rtt_ms: 22.4, jitter_ms: 0.33, gbps: 3}
  - {between: [norwayeast, westus], rtt_ms: 161.2, jitter_ms: 0.33, gbps: 3}
  - {between: [norwayeast, westus3], rtt_ms: 153.2, jitter_ms: 0.33, gbps: 3}
  - {between: [southafricanorth, swedencentral], rtt_ms: 201.2, jitter_ms: 0.33, gbps: 3}
  - {between: [southafricanorth, switzerlandnorth], rtt_ms: 172.8, jitter_ms: 0.33, gbps: 3}
  - {between: [southafricanorth, uaenorth], rtt_ms: 262.3, jitter_ms: 0.33, gbps: 3}
  - {between: [southafricanorth, uksouth], rtt_ms: 172.1, jitter_ms: 0.33, gbps: 3}
  - {between: [southafricanorth, westeurope], rtt_ms: 186.6, jitter_ms: 0.33, gbps: 3}
  - {between: [southafricanorth, westus], rtt_ms: 313.5, jitter_ms: 0.33, gbps: 3}
  - {between: [southafricanorth, westus3], rtt_ms: 293.5, jitter_ms: 0.33, gbps: 3}
  - {between: [swedencentral, switzerlandnorth], rtt_ms: 29.1, jitter_ms: 0.33, gbps: 3}
  - {between: [swedencentral, uaenorth], rtt_ms: 138.8, jitter_ms: 0.33, gbps: 3}
  - {between: [swedencentral, uksouth], rtt_ms: 33.4, jitter_ms: 0.33, gbps: 3}
  - {between: [swedencentral, westeurope], rtt_ms: 26.9, jitter_ms: 0.33, gbps: 3}
  - {between: [swedencentral, westus], rtt_ms: 176.2, jitter_ms: 0.33, gbps: 3}
  - {between: [swedencentral, westus3], rtt_ms: 159.4, jitter_ms: 0.33, gbps: 3}
  - {between: [switzerlandnorth, uaenorth], rtt_ms: 110.2, jitter_ms: 0.33, gbps: 3}
  - {between: [switzerlandnorth, uksouth], rtt_ms: 20.4, jitter_ms: 0.33, gbps: 3}
  - {between: [switzerlandnorth, westeurope], rtt_ms: 25.2, jitter_ms: 0.33, gbps: 3}
  - {between: [switzerlandnorth, westus], rtt_ms: 152.2, jitter_ms: 0.33, gbps: 3}
  - {between: [switzerlandnorth, westus3], rtt_ms: 143.3, jitter_ms: 0.33, gbps: 3}
  - {between: [uaenorth, uksouth], rtt_ms: 116.5, jitter_ms: 0.33, gbps: 3}
  - {between: [uaenorth, westeurope], rtt_ms: 121.4, jitter_ms: 0.33, gbps: 3}
  - {between: [uaenorth, westus], rtt_ms: 258.4, jitter_ms: 0.33, gbps: 3}
  - {between: [uaenorth, westus3], rtt_ms: 236.8, jitter_ms: 0.33, gbps: 3}
  - {between: [uksouth, westeurope], rtt_ms: 7.5, jitter_ms: 0.33, gbps: 3}
  - {between: [uksouth, westus], rtt_ms: 135.9, jitter_ms: 0.33, gbps: 3}
  - {between: [uksouth, westus3], rtt_ms: 122.8, jitter_ms: 0.33, gbps: 3}
  - {between: [westeurope, westus], rtt_ms: 139.9, jitter_ms: 0.33, gbps: 3}
  - {between: [westeurope, westus3], rtt_ms: 132.2, jitter_ms: 0.33, gbps: 3}
  - {between: [westus, westus3], rtt_ms: 15.6, jitter_ms: 0.33, gbps: 3}

"""#),
        BuiltinFile(
            name: "toy",
            text: #"""
# Three regions with round numbers, for tests, talks and arithmetic in the head.
schema: 1
name: toy
title: Three regions with round numbers
source: invented
date: 2026-11-21
same_region: {zone_ms: 0.1, between_zones_ms: 0.5}
flow_window: 1MiB
regions:
  north: {title: North, latitude: 60, longitude: 0, usd_per_gb: 0.02}
  east: {title: East, latitude: 0, longitude: 60, usd_per_gb: 0.02}
  south: {title: South, latitude: -40, longitude: -30, usd_per_gb: 0.1}
links:
  - {between: [north, east], rtt_ms: 20, jitter_ms: 0.2, gbps: 4}
  - {between: [north, south], rtt_ms: 50, jitter_ms: 0.5, gbps: 2}
  - {between: [east, south], rtt_ms: 60, jitter_ms: 0.5, gbps: 2}

"""#),
    ]

    package static let scenarios: [BuiltinFile] = [
        BuiltinFile(
            name: "bit-rot",
            text: #"""
# Chunks decay on every machine, but never the last sound copy of one.
schema: 1
name: bit-rot
title: Bits rot on every replica
map: aws
nodes: {us-east-1: 2, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share, large_one_in: 1, files: 12}
  - {filesystem: data, large_one_in: 1, files: 12}
duration_s: 60
faults:
  - {at_s: 10, decay: all, chunks: 10, every_s: 8, times: 6}
expect: {operations_min: 300, commits_min: 20, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "clock-jumps",
            text: #"""
# Civil time jumps by hours, and the monotonic clocks run 4 percent apart each way.
schema: 1
name: clock-jumps
title: Clocks jump and drift
map: aws
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
clocks: {drift_ppm: 40000}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 60
faults:
  - {at_s: 10, for_s: 10, step_clock: us-east-1/1, by_s: 7200}
  - {at_s: 15, for_s: 20, step_clock: eu-west-1, by_s: -86400}
  - {at_s: 30, for_s: 10, drift_clock: us-east-1/2, ppm: -45000}
  - {at_s: 40, for_s: 5, crash: us-east-1/1}
expect: {operations_min: 400, commits_min: 20, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "collection",
            text: #"""
schema: 1
name: collection
title: Chunks are collected all the time while sessions stage, commit and are cut off
map: aws
nodes: {us-east-1: 2, eu-west-1: 2, ap-northeast-1: 1}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share, large_one_in: 1, large_bytes: [5000, 900000], lock_percent: 10}
  - {filesystem: data, large_one_in: 1, large_bytes: [5000, 900000], staged_max: 8, think_ms: [100, 900]}
duration_s: 90
nodes_settings: {upkeep_interval_s: 2, garbage_grace_s: 8, snapshot_entries: 200}
faults:
  - {at_s: 10, for_s: 8, isolate: eu-west-1}
  - {at_s: 30, for_s: 6, crash: us-east-1/1}
  - {at_s: 45, for_s: 15, isolate: ap-northeast-1}
  - {at_s: 70, for_s: 5, crash: all}
expect: {operations_min: 500, commits_min: 8, recovery_max_s: 90}

"""#),
        BuiltinFile(
            name: "committers-200",
            text: #"""
schema: 1
name: committers-200
title: Two hundred sessions commit to one volume at the same time
map: aws
nodes: {us-east-1: 2, eu-west-1: 2, ap-northeast-1: 2, us-west-2: 2, ap-southeast-1: 2}
filesystems:
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: data, per_region: 40, files: 100, staged_max: 3, think_ms: [50, 400]}
duration_s: 20
expect: {commits_min: 400, recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "core-goes-on",
            text: #"""
# Not all is healed in the end: a region stays cut off, with one voter of the volume's three. The others must agree and be
# usable without it.
schema: 1
name: core-goes-on
title: A region stays cut off, and the others go on without it
map: aws
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 40
faults:
  - {at_s: 8, for_s: 4, crash: us-east-1/1}
  - {at_s: 14, for_s: 4, pause: ap-northeast-1/1}
  - {at_s: 20, for_s: 10, partition: [us-east-1, eu-west-1]}
stays_broken: {isolate: eu-west-1}
expect: {operations_min: 300, commits_min: 30, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "flapping-link",
            text: #"""
schema: 1
name: flapping-link
title: A link between two regions comes and goes
map: aws
nodes: {us-east-1: 2, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 70
faults:
  - {at_s: 5, for_s: 0.7, partition: [us-east-1, eu-west-1], every_s: 2, times: 30}
expect: {commits_min: 20, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "full-disks",
            text: #"""
schema: 1
name: full-disks
title: Disks fill up, one after the other and all of a region
map: aws
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share, large_one_in: 2}
  - {filesystem: data, large_one_in: 2}
duration_s: 80
faults:
  - {at_s: 10, for_s: 15, full_disk: us-east-1/1}
  - {at_s: 20, for_s: 15, full_disk: us-east-1/2}
  - {at_s: 45, for_s: 15, full_disk: eu-west-1}
expect: {commits_min: 20, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "gossip-100",
            text: #"""
schema: 1
name: gossip-100
title: A hundred machines of gossip only, some of them stopped for a while
map: aws
gossip_only: true
nodes: {us-east-1: 20, us-west-2: 20, eu-west-1: 20, ap-northeast-1: 20, sa-east-1: 20}
network: {loss_percent: 2}
duration_s: 120
faults:
  - {at_s: 5, for_s: 60, crash: us-east-1/7}
  - {at_s: 20, for_s: 4, pause: eu-west-1/3}
  - {at_s: 40, for_s: 30, isolate: sa-east-1}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-1000",
            text: #"""
schema: 1
name: gossip-1000
title: A thousand machines of gossip only
map: aws
gossip_only: true
nodes: {us-east-1: 200, us-west-2: 100, eu-west-1: 200, eu-central-1: 100, ap-northeast-1: 200, ap-southeast-1: 100, sa-east-1: 100}
network: {loss_percent: 1}
duration_s: 60
faults:
  - {at_s: 5, for_s: 40, crash: us-east-1/7}
  - {at_s: 10, for_s: 30, crash: eu-west-1/100}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-15",
            text: #"""
schema: 1
name: gossip-15
title: Fifteen machines of gossip only, some of which die
map: aws
gossip_only: true
nodes: {us-east-1: 5, eu-west-1: 5, ap-northeast-1: 5}
network: {loss_percent: 2}
duration_s: 180
faults:
  - {at_s: 5, for_s: 50, crash: us-east-1/2}
  - {at_s: 65, for_s: 50, crash: eu-west-1/4}
  - {at_s: 125, for_s: 50, crash: ap-northeast-1/1}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-deaths-100",
            text: #"""
# Detection on the world map; gossip-100 has other faults beside.
schema: 1
name: gossip-deaths-100
title: A hundred machines of gossip only, some of which die
map: aws
gossip_only: true
nodes: {us-east-1: 20, us-west-2: 20, eu-west-1: 20, ap-northeast-1: 20, sa-east-1: 20}
network: {loss_percent: 2}
duration_s: 180
faults:
  - {at_s: 5, for_s: 50, crash: us-east-1/7}
  - {at_s: 65, for_s: 50, crash: eu-west-1/3}
  - {at_s: 125, for_s: 50, crash: sa-east-1/20}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-lan-100",
            text: #"""
# Detection where round trips take less than a millisecond.
schema: 1
name: gossip-lan-100
title: A hundred machines of gossip only in one region, some of which die
map: aws
gossip_only: true
nodes: {us-east-1: 100}
network: {loss_percent: 0.1}
duration_s: 180
faults:
  - {at_s: 5, for_s: 50, crash: us-east-1/7}
  - {at_s: 65, for_s: 50, crash: us-east-1/50}
  - {at_s: 125, for_s: 50, crash: us-east-1/93}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-lan-1000",
            text: #"""
# Detection where round trips take less than a millisecond.
schema: 1
name: gossip-lan-1000
title: A thousand machines of gossip only in one region, some of which die
map: aws
gossip_only: true
nodes: {us-east-1: 1000}
network: {loss_percent: 0.1}
duration_s: 60
faults:
  - {at_s: 5, for_s: 40, crash: us-east-1/7}
  - {at_s: 10, for_s: 30, crash: us-east-1/500}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-lan-15",
            text: #"""
# Detection where round trips take less than a millisecond.
schema: 1
name: gossip-lan-15
title: Fifteen machines of gossip only in one region, some of which die
map: aws
gossip_only: true
nodes: {us-east-1: 15}
network: {loss_percent: 0.1}
duration_s: 180
faults:
  - {at_s: 5, for_s: 50, crash: us-east-1/2}
  - {at_s: 65, for_s: 50, crash: us-east-1/9}
  - {at_s: 125, for_s: 50, crash: us-east-1/11}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-starved-100",
            text: #"""
# Members whose packets wait for eight seconds of nine while their timers go on: whom do they accuse, and who them?
schema: 1
name: gossip-starved-100
title: A hundred machines of gossip only, 10 of them starved
map: aws
gossip_only: true
nodes: {us-east-1: 20, us-west-2: 20, eu-west-1: 20, ap-northeast-1: 20, sa-east-1: 20}
network: {loss_percent: 2}
duration_s: 120
faults:
  - {at_s: 1, for_s: 8, every_s: 9, times: 13, starve: us-east-1/2}
  - {at_s: 2, for_s: 8, every_s: 9, times: 13, starve: us-west-2/2}
  - {at_s: 3, for_s: 8, every_s: 9, times: 13, starve: eu-west-1/2}
  - {at_s: 4, for_s: 8, every_s: 9, times: 13, starve: ap-northeast-1/2}
  - {at_s: 5, for_s: 8, every_s: 9, times: 13, starve: sa-east-1/2}
  - {at_s: 6, for_s: 8, every_s: 9, times: 13, starve: us-east-1/3}
  - {at_s: 7, for_s: 8, every_s: 9, times: 13, starve: us-west-2/3}
  - {at_s: 8, for_s: 8, every_s: 9, times: 13, starve: eu-west-1/3}
  - {at_s: 9, for_s: 8, every_s: 9, times: 13, starve: ap-northeast-1/3}
  - {at_s: 1, for_s: 8, every_s: 9, times: 13, starve: sa-east-1/3}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-starved-1000",
            text: #"""
# Members whose packets wait for eight seconds of nine while their timers go on: whom do they accuse, and who them?
schema: 1
name: gossip-starved-1000
title: A thousand machines of gossip only, 20 of them starved
map: aws
gossip_only: true
nodes: {us-east-1: 200, us-west-2: 100, eu-west-1: 200, eu-central-1: 100, ap-northeast-1: 200, ap-southeast-1: 100, sa-east-1: 100}
network: {loss_percent: 1}
duration_s: 60
faults:
  - {at_s: 1, for_s: 8, every_s: 9, times: 6, starve: us-east-1/2}
  - {at_s: 2, for_s: 8, every_s: 9, times: 6, starve: us-west-2/2}
  - {at_s: 3, for_s: 8, every_s: 9, times: 6, starve: eu-west-1/2}
  - {at_s: 4, for_s: 8, every_s: 9, times: 6, starve: eu-central-1/2}
  - {at_s: 5, for_s: 8, every_s: 9, times: 6, starve: ap-northeast-1/2}
  - {at_s: 6, for_s: 8, every_s: 9, times: 6, starve: ap-southeast-1/2}
  - {at_s: 7, for_s: 8, every_s: 9, times: 6, starve: sa-east-1/2}
  - {at_s: 8, for_s: 8, every_s: 9, times: 6, starve: us-east-1/3}
  - {at_s: 9, for_s: 8, every_s: 9, times: 6, starve: us-west-2/3}
  - {at_s: 1, for_s: 8, every_s: 9, times: 6, starve: eu-west-1/3}
  - {at_s: 2, for_s: 8, every_s: 9, times: 6, starve: eu-central-1/3}
  - {at_s: 3, for_s: 8, every_s: 9, times: 6, starve: ap-northeast-1/3}
  - {at_s: 4, for_s: 8, every_s: 9, times: 6, starve: ap-southeast-1/3}
  - {at_s: 5, for_s: 8, every_s: 9, times: 6, starve: sa-east-1/3}
  - {at_s: 6, for_s: 8, every_s: 9, times: 6, starve: us-east-1/4}
  - {at_s: 7, for_s: 8, every_s: 9, times: 6, starve: us-west-2/4}
  - {at_s: 8, for_s: 8, every_s: 9, times: 6, starve: eu-west-1/4}
  - {at_s: 9, for_s: 8, every_s: 9, times: 6, starve: eu-central-1/4}
  - {at_s: 1, for_s: 8, every_s: 9, times: 6, starve: ap-northeast-1/4}
  - {at_s: 2, for_s: 8, every_s: 9, times: 6, starve: ap-southeast-1/4}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-starved-15",
            text: #"""
# Members whose packets wait for eight seconds of nine while their timers go on: whom do they accuse, and who them?
schema: 1
name: gossip-starved-15
title: Fifteen machines of gossip only, 3 of them starved
map: aws
gossip_only: true
nodes: {us-east-1: 5, eu-west-1: 5, ap-northeast-1: 5}
network: {loss_percent: 2}
duration_s: 120
faults:
  - {at_s: 1, for_s: 8, every_s: 9, times: 13, starve: us-east-1/2}
  - {at_s: 2, for_s: 8, every_s: 9, times: 13, starve: eu-west-1/2}
  - {at_s: 3, for_s: 8, every_s: 9, times: 13, starve: ap-northeast-1/2}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-starved-lan-100",
            text: #"""
# Members whose packets wait for eight seconds of nine while their timers go on: whom do they accuse, and who them?
schema: 1
name: gossip-starved-lan-100
title: A hundred machines of gossip only, 10 of them starved
map: aws
gossip_only: true
nodes: {us-east-1: 100}
network: {loss_percent: 0.1}
duration_s: 120
faults:
  - {at_s: 1, for_s: 8, every_s: 9, times: 13, starve: us-east-1/1}
  - {at_s: 2, for_s: 8, every_s: 9, times: 13, starve: us-east-1/11}
  - {at_s: 3, for_s: 8, every_s: 9, times: 13, starve: us-east-1/21}
  - {at_s: 4, for_s: 8, every_s: 9, times: 13, starve: us-east-1/31}
  - {at_s: 5, for_s: 8, every_s: 9, times: 13, starve: us-east-1/41}
  - {at_s: 6, for_s: 8, every_s: 9, times: 13, starve: us-east-1/51}
  - {at_s: 7, for_s: 8, every_s: 9, times: 13, starve: us-east-1/61}
  - {at_s: 8, for_s: 8, every_s: 9, times: 13, starve: us-east-1/71}
  - {at_s: 9, for_s: 8, every_s: 9, times: 13, starve: us-east-1/81}
  - {at_s: 1, for_s: 8, every_s: 9, times: 13, starve: us-east-1/91}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-starved-lan-1000",
            text: #"""
# Members whose packets wait for eight seconds of nine while their timers go on: whom do they accuse, and who them?
schema: 1
name: gossip-starved-lan-1000
title: A thousand machines of gossip only, 20 of them starved
map: aws
gossip_only: true
nodes: {us-east-1: 1000}
network: {loss_percent: 0.1}
duration_s: 60
faults:
  - {at_s: 1, for_s: 8, every_s: 9, times: 6, starve: us-east-1/1}
  - {at_s: 2, for_s: 8, every_s: 9, times: 6, starve: us-east-1/51}
  - {at_s: 3, for_s: 8, every_s: 9, times: 6, starve: us-east-1/101}
  - {at_s: 4, for_s: 8, every_s: 9, times: 6, starve: us-east-1/151}
  - {at_s: 5, for_s: 8, every_s: 9, times: 6, starve: us-east-1/201}
  - {at_s: 6, for_s: 8, every_s: 9, times: 6, starve: us-east-1/251}
  - {at_s: 7, for_s: 8, every_s: 9, times: 6, starve: us-east-1/301}
  - {at_s: 8, for_s: 8, every_s: 9, times: 6, starve: us-east-1/351}
  - {at_s: 9, for_s: 8, every_s: 9, times: 6, starve: us-east-1/401}
  - {at_s: 1, for_s: 8, every_s: 9, times: 6, starve: us-east-1/451}
  - {at_s: 2, for_s: 8, every_s: 9, times: 6, starve: us-east-1/501}
  - {at_s: 3, for_s: 8, every_s: 9, times: 6, starve: us-east-1/551}
  - {at_s: 4, for_s: 8, every_s: 9, times: 6, starve: us-east-1/601}
  - {at_s: 5, for_s: 8, every_s: 9, times: 6, starve: us-east-1/651}
  - {at_s: 6, for_s: 8, every_s: 9, times: 6, starve: us-east-1/701}
  - {at_s: 7, for_s: 8, every_s: 9, times: 6, starve: us-east-1/751}
  - {at_s: 8, for_s: 8, every_s: 9, times: 6, starve: us-east-1/801}
  - {at_s: 9, for_s: 8, every_s: 9, times: 6, starve: us-east-1/851}
  - {at_s: 1, for_s: 8, every_s: 9, times: 6, starve: us-east-1/901}
  - {at_s: 2, for_s: 8, every_s: 9, times: 6, starve: us-east-1/951}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "gossip-starved-lan-15",
            text: #"""
# Members whose packets wait for eight seconds of nine while their timers go on: whom do they accuse, and who them?
schema: 1
name: gossip-starved-lan-15
title: Fifteen machines of gossip only, 3 of them starved
map: aws
gossip_only: true
nodes: {us-east-1: 15}
network: {loss_percent: 0.1}
duration_s: 120
faults:
  - {at_s: 1, for_s: 8, every_s: 9, times: 13, starve: us-east-1/1}
  - {at_s: 2, for_s: 8, every_s: 9, times: 13, starve: us-east-1/6}
  - {at_s: 3, for_s: 8, every_s: 9, times: 13, starve: us-east-1/11}
expect: {recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "home-region-cut-off",
            text: #"""
schema: 1
name: home-region-cut-off
title: The home region is cut off and goes on by itself where it may
map: aws
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 60
faults:
  - {at_s: 15, for_s: 25, isolate: us-east-1}
expect: {commits_min: 30, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "home-region-lost",
            text: #"""
# The network file system waits for its region; the volume goes on elsewhere.
schema: 1
name: home-region-lost
title: The home region is lost and comes back
map: aws
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 60
faults:
  - {at_s: 15, for_s: 25, crash: us-east-1}
expect: {commits_min: 30, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "idle-5x3",
            text: #"""
# Gossip, Raft and housekeeping with nobody asking for anything: how fast the simulator is.
schema: 1
name: idle-5x3
title: Five regions with three machines each, idle for an hour
map: aws
nodes: {us-east-1: 3, us-west-2: 3, eu-west-1: 3, ap-northeast-1: 3, ap-southeast-2: 3}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
duration_s: 3600
expect: {recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "idle-volumes",
            text: #"""
schema: 1
name: idle-volumes
title: Fifteen hundred idle volumes
map: aws
nodes: {us-east-1: 1, eu-west-1: 1, ap-northeast-1: 1}
filesystems:
  - {name: data, kind: volume, home: us-east-1}
idle_volumes: 1500
clients:
  - {filesystem: data}
duration_s: 20

"""#),
        BuiltinFile(
            name: "idle-volumes-10000",
            text: #"""
# What a volume costs that nobody uses: its groups are quiesced.
schema: 1
name: idle-volumes-10000
title: Ten thousand idle volumes
map: aws
nodes: {us-east-1: 1, eu-west-1: 1, ap-northeast-1: 1}
filesystems:
  - {name: data, kind: volume, home: us-east-1}
idle_volumes: 10000
clients:
  - {filesystem: data}
duration_s: 60

"""#),
        BuiltinFile(
            name: "join-and-leave",
            text: #"""
# Machines come that were not there when the cluster began, others go for good, and the work goes on.
schema: 1
name: join-and-leave
title: New machines join, old ones leave
map: aws
nodes: {us-east-1: 5, eu-west-1: 2, ap-northeast-1: 2}
late: {us-east-1: 2, eu-west-1: 1}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 100
nodes_settings: {replica_grace_s: 10, snapshot_entries: 200}
faults:
  - {at_s: 10, join: us-east-1/4}
  - {at_s: 20, join: eu-west-1/2}
  - {at_s: 30, join: us-east-1/5}
  - {at_s: 45, leave: us-east-1/1}
  - {at_s: 65, leave: us-east-1/2}
expect: {operations_min: 500, commits_min: 50, recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "leader-deaf",
            text: #"""
# Its heartbeats arrive, so that nobody misses it until it steps down by itself.
schema: 1
name: leader-deaf
title: One machine of the home region after the other hears nothing any more
map: aws
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share, think_ms: [10, 50]}
  - {filesystem: data, think_ms: [10, 50]}
duration_s: 150
faults:
  - {at_s: 15, for_s: 20, deafen: us-east-1/1}
  - {at_s: 60, for_s: 20, deafen: us-east-1/2}
  - {at_s: 105, for_s: 20, deafen: us-east-1/3}
expect: {commits_min: 30, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "leader-lost",
            text: #"""
# One of them leads at that moment.
schema: 1
name: leader-lost
title: One machine of the home region after the other is lost
map: aws
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share, think_ms: [10, 50]}
  - {filesystem: data, think_ms: [10, 50]}
duration_s: 150
faults:
  - {at_s: 15, for_s: 20, crash: us-east-1/1}
  - {at_s: 60, for_s: 20, crash: us-east-1/2}
  - {at_s: 105, for_s: 20, crash: us-east-1/3}
expect: {commits_min: 30, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "leader-unheard",
            text: #"""
# It hears the others, but nothing of it arrives: who leads is missed by all and does not know it.
schema: 1
name: leader-unheard
title: One machine of the home region after the other is not heard any more
map: aws
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share, think_ms: [10, 50]}
  - {filesystem: data, think_ms: [10, 50]}
duration_s: 150
faults:
  - {at_s: 15, for_s: 20, mute: us-east-1/1}
  - {at_s: 60, for_s: 20, mute: us-east-1/2}
  - {at_s: 105, for_s: 20, mute: us-east-1/3}
expect: {commits_min: 30, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "poisoned-upgrade",
            text: #"""
# The new program crashes on every entry that it receives, is started again and crashes again, until it is rolled back.
schema: 1
name: poisoned-upgrade
title: A program that crashes on entries is rolled out to two machines, and back
map: aws
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 70
faults:
  - {at_s: 10, for_s: 30, upgrade: us-east-1/2, wire: [1, 2], poisoned: true}
  - {at_s: 20, for_s: 20, upgrade: eu-west-1/1, wire: [1, 2], poisoned: true}
expect: {operations_min: 400, commits_min: 30, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "power-failures",
            text: #"""
# Power fails and syncs fail, again and again, under the program's own log, snapshots and chunk store.
schema: 1
name: power-failures
title: Machines lose power while their disks are written
map: aws
storage: real
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share, large_one_in: 2}
  - {filesystem: data, large_one_in: 2}
nodes_settings: {snapshot_entries: 100, upkeep_interval_s: 5, garbage_grace_s: 15}
duration_s: 90
faults:
  - {at_s: 5, for_s: 2, crash: us-east-1/1, every_s: 20, times: 4}
  - {at_s: 12, for_s: 2, crash: us-east-1/2, every_s: 20, times: 4}
  - {at_s: 18, for_s: 1, crash: eu-west-1, every_s: 30, times: 2}
  - {at_s: 20, fail_sync: us-east-1/3, every_s: 25, times: 2}
  - {at_s: 35, for_s: 5, full_disk: ap-northeast-1/1}
  - {at_s: 60, for_s: 3, crash: all}
expect: {operations_min: 300, commits_min: 20, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "replica-moves",
            text: #"""
# A machine is away for longer than the grace: its replicas move, and move again when another goes.
schema: 1
name: replica-moves
title: Machines go for good and their replicas move
map: aws
nodes: {us-east-1: 5, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 120
nodes_settings: {replica_grace_s: 10, snapshot_entries: 200}
faults:
  - {at_s: 10, for_s: 70, crash: us-east-1/1}
  - {at_s: 40, for_s: 60, crash: us-east-1/2}
  - {at_s: 60, for_s: 40, crash: eu-west-1/1}
  - {at_s: 105, leave: ap-northeast-1/2}
expect: {operations_min: 500, commits_min: 60, recovery_max_s: 120}

"""#),
        BuiltinFile(
            name: "roaming-writer",
            text: #"""
# A writer goes round the world, and the volume's leader and voters with it: a voter is wherever it is, and most
# commits are made where the leader is. Without that it would be one in five or six. Five of the six regions vote: without
# following, five commits in six would be made in one of those.
schema: 1
name: roaming-writer
title: A writer that moves from region to region
map: aws
nodes: {us-east-1: 2, eu-west-1: 2, ap-northeast-1: 2, sa-east-1: 1, ap-south-1: 1, ap-southeast-2: 1}
filesystems:
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: data, per_region: 1, roam_after_s: 120, think_ms: [50, 400]}
duration_s: 840
expect: {commits_min: 300, commits_at_leader_percent: 55, commits_among_voters_percent: 88, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "rolling-partitions",
            text: #"""
schema: 1
name: rolling-partitions
title: One pair of regions after the other is parted, some one way only
map: aws
nodes: {us-east-1: 2, eu-west-1: 2, ap-northeast-1: 2, us-west-2: 1, sa-east-1: 1}
filesystems:
  - {name: share, kind: nfs, home: eu-west-1}
  - {name: data, kind: volume, home: eu-west-1}
clients:
  - {filesystem: share, regions: [eu-west-1, us-east-1, ap-northeast-1], names_percent: 30, lock_percent: 10}
  - {filesystem: data}
duration_s: 90
faults:
  - {at_s: 5, for_s: 8, partition: [us-east-1, eu-west-1], every_s: 40, times: 2}
  - {at_s: 14, for_s: 8, partition: [eu-west-1, ap-northeast-1], every_s: 40, times: 2}
  - {at_s: 23, for_s: 8, one_way: [us-east-1, ap-northeast-1], every_s: 40, times: 2}
  - {at_s: 32, for_s: 8, one_way: [eu-west-1, us-west-2], every_s: 40, times: 2}
  - {at_s: 20, for_s: 30, shift: [us-east-1, eu-west-1], by_ms: 60}
expect: {commits_min: 30, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "rolling-upgrade",
            text: #"""
# Each machine in turn gets a program that speaks the old wire too, then one that speaks the new one only.
schema: 1
name: rolling-upgrade
title: A new version of the wire goes through the cluster, machine by machine
map: aws
nodes: {us-east-1: 3, eu-west-1: 1, ap-northeast-1: 1}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 110
faults:
  - {at_s: 10, upgrade: us-east-1/1, wire: [1, 2]}
  - {at_s: 20, upgrade: us-east-1/2, wire: [1, 2]}
  - {at_s: 30, upgrade: us-east-1/3, wire: [1, 2]}
  - {at_s: 40, upgrade: eu-west-1/1, wire: [1, 2]}
  - {at_s: 50, upgrade: ap-northeast-1/1, wire: [1, 2]}
  - {at_s: 60, upgrade: us-east-1/1, wire: 2}
  - {at_s: 70, upgrade: us-east-1/2, wire: 2}
  - {at_s: 80, upgrade: us-east-1/3, wire: 2}
  - {at_s: 90, upgrade: eu-west-1/1, wire: 2}
  - {at_s: 100, upgrade: ap-northeast-1/1, wire: 2}
expect: {operations_min: 800, commits_min: 60, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "shared-names",
            text: #"""
# Four clients at home and two afar change the same few names, in place and by renames, while leaders are lost.
schema: 1
name: shared-names
title: Many clients change the same few names
map: aws
nodes: {us-east-1: 3, eu-west-1: 1}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
clients:
  - {filesystem: share, regions: [us-east-1], per_region: 4, names_percent: 90, lock_percent: 20, think_ms: [1, 30]}
  - {filesystem: share, regions: [eu-west-1], per_region: 2, names_percent: 90, lock_percent: 20}
duration_s: 10
faults:
  - {at_s: 3, for_s: 2, crash: us-east-1/1}
  - {at_s: 6, for_s: 2, partition: [us-east-1, eu-west-1]}
  - {at_s: 8, for_s: 1, isolate: us-east-1/2}
expect: {operations_min: 150, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "slow-disk",
            text: #"""
schema: 1
name: slow-disk
title: One disk of the home region is slow, then stands still
map: aws
nodes: {us-east-1: 3, eu-west-1: 1, ap-northeast-1: 1}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 60
faults:
  - {at_s: 10, for_s: 20, slow_disk: us-east-1/1, factor: 200}
  - {at_s: 40, for_s: 8, stall_disk: us-east-1/2}
expect: {operations_min: 400, commits_min: 20, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "slow-node",
            text: #"""
schema: 1
name: slow-node
title: One machine stops again and again, and its links lose packets
map: aws
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 60
faults:
  - {at_s: 5, for_s: 1.2, pause: us-east-1/1, every_s: 3, times: 15}
  - {at_s: 10, for_s: 40, lossy: [us-east-1, eu-west-1], percent: 5}
expect: {commits_min: 20, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "steady-12",
            text: #"""
schema: 1
name: steady-12
title: Steady state in twelve regions
map: aws
nodes: {us-east-1: 2, us-west-2: 2, ca-central-1: 1, sa-east-1: 1, eu-west-1: 2, eu-central-1: 2, eu-north-1: 1, me-south-1: 1, ap-south-1: 1, ap-southeast-1: 2, ap-southeast-2: 1, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: eu-west-1}
  - {name: data, kind: volume, home: eu-west-1}
clients:
  - {filesystem: share, regions: [eu-west-1, us-east-1, ap-northeast-1, sa-east-1]}
  - {filesystem: data}
duration_s: 40
expect: {operations_min: 800, commits_min: 30, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "steady-3",
            text: #"""
# Nothing goes wrong: the figures that other scenarios are held against.
schema: 1
name: steady-3
title: Steady state in three regions
map: aws
nodes: {us-east-1: 3, eu-west-1: 3, ap-northeast-1: 3}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 60
expect: {operations_min: 500, commits_min: 20, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "steady-5",
            text: #"""
schema: 1
name: steady-5
title: Steady state in five regions
map: aws
nodes: {us-east-1: 3, us-west-2: 3, eu-west-1: 3, ap-northeast-1: 3, ap-southeast-2: 3}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share, names_percent: 30, lock_percent: 10}
  - {filesystem: data}
duration_s: 60
expect: {operations_min: 800, commits_min: 30, recovery_max_s: 60}

"""#),
        BuiltinFile(
            name: "swarm-toy",
            text: #"""
schema: 1
name: swarm-toy
title: Everything drawn from the seed, on the toy map
swarm: true
map: toy

"""#),
        BuiltinFile(
            name: "vouching",
            text: #"""
schema: 1
name: vouching
title: Changes wait long for their commits, commits take seconds, and then the disk that staged them is lost
map: aws
nodes: {us-east-1: 1, eu-west-1: 1, ap-northeast-1: 1}
filesystems:
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: data, regions: [ap-northeast-1], per_region: 8, files: 200, large_one_in: 1, large_bytes: [5000, 20000], staged_max: 1, think_ms: [3000, 7000], if_unchanged_percent: 0}
duration_s: 50
nodes_settings: {upkeep_interval_s: 1, garbage_grace_s: 6}
faults:
  - {at_s: 0, shift: [ap-northeast-1, us-east-1], by_ms: 400}
  - {at_s: 0, shift: [ap-northeast-1, eu-west-1], by_ms: 400}
  - {at_s: 45, replace_disk: ap-northeast-1/1}
expect: {commits_min: 5, recovery_max_s: 90}

"""#),
        BuiltinFile(
            name: "wire-mismatch",
            text: #"""
# What is too new for the others is refused and harms nobody; the way back mends it.
schema: 1
name: wire-mismatch
title: One machine gets a program whose wire the others do not know
map: aws
nodes: {us-east-1: 3, eu-west-1: 2, ap-northeast-1: 2}
filesystems:
  - {name: share, kind: nfs, home: us-east-1}
  - {name: data, kind: volume, home: us-east-1}
clients:
  - {filesystem: share}
  - {filesystem: data}
duration_s: 60
faults:
  - {at_s: 10, for_s: 25, upgrade: us-east-1/1, wire: [2, 3]}
  - {at_s: 15, for_s: 25, upgrade: eu-west-1/2, wire: 7}
expect: {operations_min: 300, commits_min: 20, recovery_max_s: 60}

"""#),
    ]
}
