import Filesystem
import NodeCore
package import Primitives
import Replication
package import Workloads

/// Workloads in a world of their own: a cluster under virtual time, without faults, and clients in its
/// regions that carry out cells of workloads one after the other or together. What it gives is a
/// function of its options, its seed and what is asked of it, in order.
package struct WorkloadRun {
    package struct Options: Sendable {
        package var world: WorldOptions
        package var seed: UInt64
        package var costs: WorkloadCosts
        package init(world: WorldOptions, seed: UInt64, costs: WorkloadCosts) {
            self.world = world
            self.seed = seed
            self.costs = costs
            // Content ends where the real chunker would end it.
            self.world.cutsByContent = true
            self.world.placesByMap = true
            self.world.weather.isAckClocked = true
            self.world.weather.bulkFlows = 4
            // A disk with a cache that survives power loss; what a machine's own takes longer is in the costs.
            self.world.disk.syncMicroseconds = 60...120
        }
    }

    /// What a cell came to.
    package struct CellResult: Sendable {
        package var samples: [Sample]
        /// As it ended.
        package var cursor: any ClientCursor
    }

    /// A client and the file system that it works on. `stamp` tells its content from other runs'.
    package struct Cell: Sendable {
        package var cursor: any ClientCursor
        package var filesystem: FilesystemID
        package var stamp: UInt64
        package init(_ cursor: any ClientCursor, on filesystem: FilesystemID, stamp: UInt64) {
            self.cursor = cursor
            self.filesystem = filesystem
            self.stamp = stamp
        }
    }

    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Virtual time for one round of cells, at most.
    static let cellsMax = Duration.seconds(6 * 3_600)
    /// Events between two looks at whether somebody wants it to stop.
    static let eventsAtOnce = 2_000

    var world: World

    package init(_ options: Options) {
        world = World(options.world, seed: options.seed)
        world.costs = options.costs
    }

    package var now: Instant { Instant(nanoseconds: world.now) }
    package var events: UInt64 { world.statistics.events }

    /// Idle time passes.
    package mutating func pass(_ span: Duration) { world.run(until: world.now + span.inNanoseconds) }

    /// Starts the machines and waits until they know each other.
    package mutating func start() throws(Failure) {
        for node in world.hosts.indices { world.after(Int64(node) * 1_000_000, .fault(.restart(node))) }
        let isUp = world.run(until: world.now + 60_000_000_000) { world in
            world.hosts.allSatisfy { $0.isUp && $0.state.catalog.nodes.count == world.hosts.count }
        }
        guard isUp else { throw Failure(description: "the simulated cluster did not come up within a minute") }
        // Distances are known after some probes.
        pass(.seconds(10))
    }

    package mutating func create(_ name: String, _ kind: FilesystemKind, home: RegionID) throws(Failure) -> FilesystemID {
        let place = world.filesystems.count
        world.filesystems.append(FilesystemInWorld(name: name, kind: kind, home: home))
        let node = try self.node(in: home)
        world.create(place, at: node)
        let isMade = world.run(until: world.now + 60_000_000_000) { $0.filesystems[place].id != nil && $0.isSettled }
        guard isMade, let id = world.filesystems[place].id else {
            throw Failure(description: "the simulated file system \(name) was not made within a minute")
        }
        // Its group elects a leader, which moves home.
        pass(.seconds(5))
        return id
    }

    /// Carries out cells at the same time, each at the first node of its region. `wirePercent`: what
    /// compression leaves of their content; `faults`: what happens meanwhile, and how long after the
    /// beginning. Nil where `shouldStop` said so; faults that are not due yet happen all the same.
    package mutating func run(
        _ cells: [Cell], wirePercent: Int, faults: [(after: Duration, fault: Fault)] = [], shouldStop: () -> Bool
    ) throws(Failure) -> [CellResult]? {
        world.wirePercent = Int64(max(1, min(100, wirePercent)))
        world.cells = []
        for cell in cells {
            // As the live comparison does: whoever prepares uses another node than whoever measures, where there is one.
            let first = try node(in: cell.cursor.task.region)
            let node = cell.cursor.isPreparation ? nodes(in: cell.cursor.task.region).last ?? first : first
            world.cells.append(
                WorkloadCell(cell.cursor, node: node, filesystem: cell.filesystem, kind: cell.cursor.task.kind, stamp: cell.stamp))
        }
        for (after, fault) in faults { world.after(after.inNanoseconds, .fault(fault)) }
        for index in world.cells.indices { world.beginStep(index) }
        let end = world.now + Self.cellsMax.inNanoseconds
        while !world.cells.allSatisfy(\.isDone) {
            for _ in 0..<Self.eventsAtOnce where !world.cells.allSatisfy(\.isDone) {
                guard world.step(until: end) else {
                    throw Failure(description: "the simulated clients were not done after six hours of virtual time")
                }
            }
            if shouldStop() { return nil }
        }
        defer { world.cells = [] }
        if let violation = world.violations.first { throw Failure(description: "the simulated cluster broke its promise: \(violation)") }
        return world.cells.map { CellResult(samples: $0.samples, cursor: $0.cursor) }
    }

    /// A region's nodes, by number.
    package func nodes(in region: RegionID) -> [Int] { world.hosts.indices.filter { world.hosts[$0].region == region } }
    package var nodes: [Int] { Array(world.hosts.indices) }

    private func node(in region: RegionID) throws(Failure) -> Int {
        guard let node = world.hosts.firstIndex(where: { $0.region == region }) else {
            throw Failure(description: "no simulated node is in \(region)")
        }
        return node
    }

    /// Bytes sent so far over each direction between two regions.
    package var linkBytes: [(from: RegionID, to: RegionID, bytes: UInt64)] {
        let regions = world.options.map.regions
        var out: [(from: RegionID, to: RegionID, bytes: UInt64)] = []
        for (a, from) in regions.enumerated() {
            for (b, to) in regions.enumerated() where a != b {
                out.append((from.id, to.id, world.linkBytes[a * regions.count + b]))
            }
        }
        return out
    }
}
