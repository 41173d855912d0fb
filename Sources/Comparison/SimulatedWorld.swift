package import Filesystem
package import Primitives
internal import Reports
internal import Simulation
internal import Synchronization
package import Workloads

/// A simulated cluster as a comparison needs it: it carries out cells under virtual time, and answers
/// single calls. One thing at a time, in the order in which it is asked: the same requests give the
/// same figures.
package actor SimulatedWorld: WorkloadClient, RunClock, CellRunner {
    package struct Options: Sendable {
        /// Restricted to the regions of the cluster.
        package var map: RegionMap
        package var nodesPerRegion: [RegionID: Int]
        package var seed: UInt64
        package var costs: WorkloadCosts
        package var version: String
        /// Whether idle connections begin anew with a small window, as TCP's do; the links that a local
        /// cluster shapes by itself have theirs open.
        package var slowStart = true
        /// What compression leaves of the content of a workload, in percent, by its name; 100 where unknown.
        package var wirePercent: [String: Int] = [:]
        package init(map: RegionMap, nodesPerRegion: [RegionID: Int] = [:], seed: UInt64, costs: WorkloadCosts, version: String) {
            self.map = map
            self.nodesPerRegion = nodesPerRegion
            self.seed = seed
            self.costs = costs
            self.version = version
        }
    }

    private let options: Options
    private var run: WorkloadRun
    private var hasStarted = false
    private nonisolated let clock = Mutex(Instant.zero)
    /// Why a run of cells came to no end.
    private var broken: WorkloadRun.Failure?

    package init(_ options: Options) {
        self.options = options
        var world = WorldOptions(
            map: options.map,
            machines: options.map.regions.map { .init(region: $0.id, count: max(1, options.nodesPerRegion[$0.id] ?? 1)) })
        world.weather.slowStart = options.slowStart
        run = WorkloadRun(.init(world: world, seed: options.seed, costs: options.costs))
    }

    // MARK: Time

    package nonisolated func now() -> Instant { clock.withLock { $0 } }

    package func sleep(_ duration: Duration) async {
        run.pass(duration)
        tell()
    }

    private func tell() {
        let now = run.now
        clock.withLock { $0 = now }
    }

    /// Events so far, for progress.
    package var events: UInt64 { run.events }

    // MARK: Cells

    package func run(_ cells: [Cell], note: @escaping @Sendable (WorkloadCursor.PutCounts) -> Void) async -> [CellResult] {
        carryOut(cells, faults: [])
    }

    /// One after the other in virtual time, whatever is asked from outside meanwhile.
    func carryOut(_ cells: [Cell], faults: [(after: Duration, fault: Fault)]) -> [CellResult] {
        let percent = cells.first.flatMap { options.wirePercent[$0.cursor.title] } ?? 100
        let asked = cells.map { WorkloadRun.Cell($0.cursor, on: $0.place.filesystem, stamp: $0.place.stamp.value) }
        do throws(WorkloadRun.Failure) {
            let results = try run.run(asked, wirePercent: percent, faults: faults, shouldStop: { Task.isCancelled })
            tell()
            if let results { return results.map { CellResult(samples: $0.samples, cursor: $0.cursor) } }
        } catch {
            tell()
            return cells.map { failed($0, .init(.ioError, operation: "simulate", object: $0.cursor.title, cause: error.description)) }
        }
        return cells.map { failed($0, .init(.timedOut, operation: "compare", object: $0.cursor.title, cause: "interrupted")) }
    }

    private func failed(_ cell: Cell, _ failure: FileFailure) -> CellResult {
        CellResult(samples: [], cursor: cell.cursor, stopped: failure)
    }

    /// The numbers of a region's nodes, and of all others.
    func nodes(in region: RegionID) -> (those: [Int], others: [Int]) {
        let those = run.nodes(in: region)
        return (those, run.nodes.filter { !those.contains($0) })
    }

    // MARK: The cluster

    private func start() throws {
        guard !hasStarted else { return }
        hasStarted = true
        do {
            try run.start()
        } catch {
            throw ComparisonError(error.description)
        }
        tell()
    }

    package func describe() async throws -> ClusterDescription {
        try start()
        func voters(_ count: Int) -> String { count == 1 ? "its one replica" : "a majority of \(count) replicas" }
        let most = options.map.regions.map { options.nodesPerRegion[$0.id] ?? 1 }.max() ?? 1
        return ClusterDescription(
            version: options.version, regions: options.map.regions.map(\.id),
            shaping: "simulated by the map \(options.map.name) (delay, jitter, window of a flow\(options.slowStart ? ", slow start" : ""), "
                + "capacity), seed \(options.seed)",
            networkFileSystemDurability: "\(voters(min(3, most))) in the primary region, data and metadata synced (simulated disks)",
            volumeDurability: "a majority of the voter regions, data and metadata synced (simulated disks)",
            roundTrips: options.map.links.map { .init(from: $0.from, to: $0.to, median: $0.roundTrip) })
    }

    package func createFilesystem(named name: String, kind: FilesystemKind, primary: RegionID) async throws -> FilesystemID {
        try start()
        defer { tell() }
        do {
            return try run.create(name, kind, home: primary)
        } catch {
            throw ComparisonError(error.description)
        }
    }

    package func deleteFilesystem(_ filesystem: FilesystemID) async throws {}

    package func linkBytes() async throws -> [LinkBytes] {
        run.linkBytes.map { LinkBytes(from: $0.from, to: $0.to, bytes: $0.bytes) }
    }

    // MARK: Single calls

    package nonisolated var holdsBytes: Bool { false }

    package func openSession(_ filesystem: FilesystemID, in region: RegionID, options: SessionOptions, within: Duration?)
        async throws(FileFailure) -> SessionID
    {
        defer { tell() }
        return try run.openSession(filesystem, in: region, options)
    }

    package func closeSession(_ session: SessionID, in region: RegionID, within: Duration?) async { run.closeSession(session, in: region) }

    /// The bytes of a read are told by their number.
    package func perform(_ operation: FileOperation, session: SessionID, in region: RegionID, payload: [UInt8]?, within: Duration?)
        async throws(FileFailure) -> (outcome: FileOutcome, data: [UInt8])
    {
        defer { tell() }
        let (outcome, bytes) = try run.perform(operation, session: session, in: region, payload: payload.map { UInt64($0.count) })
        return (outcome, [UInt8](repeating: 0, count: Int(bytes)))
    }
}
