internal import Primitives
internal import Reports
internal import Workloads

// From what was gathered to the report.
extension ComparisonRunner {
    func report(_ gathered: Gathered, cluster: ClusterDescription, regions: [RegionID], duration: Duration) -> ComparisonReport {
        let map = (try? options.map.restricted(to: regions.map(\.name))) ?? options.map
        let preparation = gathered.table.sorted
        return ComparisonReport(
            software: ComparisonReport.Software(name: "atoll", version: cluster.version, system: options.system, machine: options.machine),
            created: options.created, durationSeconds: Figure.rounded(duration.inMilliseconds / 1_000, 1), command: options.command,
            map: ComparisonReport.MapSummary(map, primary: options.primary, shaping: cluster.shaping) {
                cluster.measuredMilliseconds($0, $1)
            },
            durability: ComparisonReport.Durability(nfs: cluster.networkFileSystemDurability, volume: cluster.volumeDurability),
            seeds: options.workloads.map { ComparisonReport.Seed(workload: $0.name, seed: $0.seed) },
            workloads: options.workloads.map { ComparisonReport.WorkloadSummary($0, inputs: gathered.inputs[$0.name] ?? []) },
            results: preparation.map { ResultRow($0, world: options.world, map: map, primary: options.primary) },
            traffic: gathered.traffic, dedup: gathered.dedup,
            notes: (options.method ?? method) + gathered.contention.notes + gathered.notes,
            faults: gathered.faults)
    }

    private var method: [String] {
        [
            "Cold: a new session, and paths that this region has not read before in the run (a slice of the inputs for each "
                + "repetition); inputs are put by another node of the primary region than is read from, where it has several. "
                + "Warm: the same session, the same paths again. The operating system's page cache below the stores "
                + "is not emptied; both kinds have it.",
            "Content is real files with 16 bytes of the run's own at every 32 KiB, so that neither kind nor an earlier run has "
                + "stored a chunk already.",
            "The two kinds are measured one after the other. The client of the primary region runs alone; clients of other "
                + "regions run at the same time on the network file system (they wait for the wide area), one after the other on "
                + "the volume (they use this machine's processors).",
            "A network file system's client pays for compounds as Linux's does, with attribute cache, close-to-open, write-behind, "
                + "readahead of 1 MiB and a cache of 64 MiB for what it has read; its round trips are counted where messages cross "
                + "regions. Every open asks, and what was read before is read from the cache if the file has not changed. "
                + "Attributes are believed for 3 s, as by Linux; where a pass takes longer, what is warm is asked for again. One "
                + "client a region, one operation at a time.",
            "`put-file` and `commit-all` store the inputs: they happen once a workload and have no spread.",
            "Bytes of traffic per link are all that the nodes' connections carried over it while a phase ran: content, "
                + "replication, Raft, requests. "
                + "Gossip's datagrams are not counted. Price: the map's egress price of the region that sends.",
        ]
    }
}
