internal import Primitives
package import Reports
internal import Workloads

/// A comparison in the simulated world: the same workloads, the same steps, the same report.
package struct SimulatedComparison: Sendable {
    package var options: ComparisonOptions
    package var world: SimulatedWorld.Options

    /// `options.map` is restricted to the regions of the simulated cluster.
    package init(options: ComparisonOptions, world: SimulatedWorld.Options) {
        self.options = options
        self.world = world
        self.options.map = world.map
        self.options.regions = world.map.regions.map(\.id)
        self.options.world = "simulated"
        self.options.tellsPartly = true
        // Virtual time is not scarce.
        self.options.budget = .seconds(86_400)
        self.options.nonce = world.seed
        self.options.method = Self.method(world)
        if options.inputs == nil { self.options.inputs = options.workloads.map { .made(for: $0) } }
    }

    /// A function of the options: the same seed gives the same rows.
    package func run(progress: @escaping @Sendable (String) -> Void) async throws -> ComparisonReport {
        let simulated = SimulatedWorld(world)
        let runner = ComparisonRunner(
            client: simulated, clock: simulated, cells: simulated, stage: simulated, options: options
        ) { progress($0) }
        var report = try await runner.run()
        report.costs = world.costs
        return report
    }

    private static func method(_ world: SimulatedWorld.Options) -> [String] {
        [
            "Simulated: the nodes run the code of the live ones under virtual time; network, disks and clocks are models "
                + "(docs/internals/simulation.md). Times are virtual; so is the run’s duration.",
            "Local time: each call costs what the table of costs says (\(world.costs.origin)). A client’s processor is not shared "
                + "with others’.",
            "Cold: a new session, and paths that this region has not read before in the run (a slice of the inputs for each "
                + "repetition); inputs are put by another node of the primary region than is read from, where it has several. "
                + "Warm: the same session, the same paths again.",
            "Inputs are names and sizes; content is cut into chunks where a stream of its own says so, 256 KiB apart on average, so "
                + "that second versions share chunks with first ones.",
            "Bytes of traffic per link are all that the nodes’ connections carried over it while a phase ran; messages count with "
                + "their approximate size. Gossip's datagrams are not counted. Price: the map's egress price of the region that sends.",
        ]
    }
}

/// What of a live run the simulated one takes over.
package enum LiveFigures {
    /// The files that the live preparations came to put, on either kind: what is not there takes no time.
    package static func inputs(_ report: ComparisonReport, of workload: String, among whole: InputSet) -> InputSet {
        var set = whole
        let put = report.workloads.first { $0.name == workload }?.inputs ?? []
        if let tree = put.map(\.treeFiles).min(), tree > 0 { set.tree = Array(whole.tree.prefix(tree)) }
        if let large = put.map(\.largeFiles).min(), large > 0 { set.large = Array(whole.large.prefix(large)) }
        return set
    }

    /// How many of a hundred bytes of content a workload's preparation sent to each other region: what
    /// compression and chunks that were there already left of them. 100 where it put less than 1 MiB.
    package static func wirePercent(_ report: ComparisonReport) -> [String: Int] {
        var out: [String: Int] = [:]  // looked up only
        let others = UInt64(max(1, report.map.regions.count - 1))
        for workload in report.workloads {
            guard let put = workload.inputs.first(where: { $0.kind == "volume" })?.bytes, put >= 1 << 20 else { continue }
            let sent = report.traffic.filter {
                $0.workload == workload.name && $0.kind == "volume" && $0.phase == "prepare" && $0.from == report.map.primary
            }.reduce(0) { $0 + $1.bytes }
            out[workload.name] = Int(max(5, min(100, sent * 100 / (put * others))))
        }
        return out
    }
}
