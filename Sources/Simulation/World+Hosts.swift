import Consensus
import Filesystem
import Membership
import NodeCore
import Primitives
import Replication
import Workloads

// Machines and processes: made, started, crashed, started again.
extension World {
    mutating func makeHosts(_ seed: UInt64) {
        var places: [(region: RegionID, place: Int)] = []
        for machines in options.machines {
            guard let place = options.map.regions.firstIndex(where: { $0.id == machines.region }) else {
                preconditionFailure("the map \(options.map.name) has no region \(machines.region)")
            }
            for _ in 0..<machines.count { places.append((machines.region, place)) }
        }
        let founders = places.enumerated().filter { !options.late.contains($0.offset) }.map { index, place in
            Self.introduction(index, place.region, store: UInt64(index) + 1)
        }
        cluster = ClusterConfig(clusterHigh: 1, clusterLow: seed, name: "simulated", founders: founders)
        connections = Array(repeating: Connection(), count: places.count * places.count)
        cuts = Array(repeating: 0, count: places.count * places.count)
        for (index, place) in places.enumerated() {
            let drift = Int64(chance.below(2 * options.driftPPM + 1) - options.driftPPM)
            // Boot times differ: the clocks' origins say nothing.
            let clock = Clock(origin: Int64(1 + chance.below(1_000_000)) * 1_000_000_000, driftPPM: drift, at: now)
            let state = makeState(index, place.region, clock, store: UInt64(index) + 1, restored: .init())
            let host = Host(index: index, region: place.region, place: place.place, state: state, clock: clock)
            host.disk.storage = makeStorage(index, seed)
            hosts.append(host)
        }
    }

    private static func introduction(_ index: Int, _ region: RegionID, store: UInt64) -> NodeIntroduction {
        NodeIntroduction(
            region: region, name: "node\(index + 1)",
            endpoints: [
                NodeEndpoint(key: "gossip", host: "gossip", port: UInt16(index + 1)),
                NodeEndpoint(key: "peer", host: "peer", port: UInt16(index + 1)),
            ], weight: 100, store: store)
    }

    private mutating func makeState(_ index: Int, _ region: RegionID, _ clock: Clock, store: UInt64, restored: NodeState.Restored)
        -> NodeState
    {
        let id = NodeID(UInt64(index) + 1)
        let civil = Self.civilOrigin + now + clock.civilOffset
        // As the live node: the incarnation follows civil time, the run is drawn.
        let member = MemberRecord(
            id: id, region: region,
            endpoints: [NamedEndpoint(NamedEndpoint.gossip, Self.gossip(index)), NamedEndpoint(NamedEndpoint.peer, Self.peer(index))],
            incarnation: UInt64(max(1, civil / 1_000_000_000)), run: chance.next())
        var settings = NodeSettings(id: id, region: region)
        settings.snapshotEntries = options.snapshotEntries
        settings.upkeep.interval = options.upkeepInterval
        settings.garbage.grace = options.garbageGrace
        settings.replicaGrace = options.replicaGrace
        settings.introduction = Self.introduction(index, region, store: store)
        settings.raft.mutant = mutant?.raft
        settings.mutant = mutant?.node
        let seeds = (0..<options.nodeCount).filter { $0 != index }.prefix(16).map(Self.peer)
        // Who joins later knows no founders, only whom to ask.
        var cluster = cluster
        if options.late.contains(index) { cluster.founders = [] }
        return NodeState(
            settings: settings, cluster: cluster, member: member, seeds: Array(seeds), restored: restored, seed: chance.next(),
            now: Instant(nanoseconds: clock.local(now)), civil: WallTime(nanoseconds: civil))
    }

    mutating func start(_ node: Int) {
        guard !hosts[node].isUp else { return }
        hosts[node].isUp = true
        hosts[node].life += 1
        hosts[node].startedAt = hosts[node].clock.local(now)
        var effects: [Effect] = []
        hosts[node].state.start(now: Instant(nanoseconds: hosts[node].clock.local(now)), into: &effects)
        interpret(&effects, of: node)
        trace.line(now, "n\(node + 1) starts")
        trace.fold(UInt64(node) ^ 0x5A)
    }

    /// The process ends, or (`isSudden`) the machine does. What was not synced is lost.
    mutating func crash(_ node: Int, isSudden: Bool) {
        guard hosts[node].isUp else { return }
        trace.line(now, "n\(node + 1) crashes")
        hosts[node].isUp = false
        noteLost([node])
        hosts[node].life += 1
        hosts[node].pausedUntil = 0
        failJoins(at: node)
        hosts[node].disk.crash(&chance, losesPower: isSudden, mutant: mutant)
        hosts[node].forget()
        dropConnections(of: node, isSudden: isSudden)
        clientsLost(node)
        cellsLost(node)
    }

    mutating func restart(_ node: Int) {
        guard !hosts[node].isUp else { return }
        statistics.checks.count(.format)
        guard let restored = restored(node) else { return }
        for (group, raft, _) in restored.groups {
            guard let problem = raft.problem else { continue }
            violate(.format, "n\(node + 1) cannot start: \(group): \(problem)")
            return
        }
        statistics.restarts += 1
        hosts[node].state = makeState(node, hosts[node].region, hosts[node].clock, store: hosts[node].store, restored: restored)
        start(node)
    }
}
