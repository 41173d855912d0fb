// Made by simulations/workloads/embed.py from the files under simulations/; change those.
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
limits: {prepare_seconds: 25, cold_seconds: 1.8, warm_seconds: 0.6}
mix:
  read-1MiB-sequential: {cold: 24, warm: 16}
  read-4KiB-random: {cold: 24, warm: 16}

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
}
