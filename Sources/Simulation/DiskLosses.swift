import Filesystem
import Primitives
import Workloads

/// Whether a cluster can survive the loss of some disks for good. Every group (the catalog and each file system) needs a
/// majority of voters that keep theirs. Which machine of a region votes is decided by lot, so that the worst is assumed;
/// how many vote where follows `ReplicaPlanner`. Voters on lost machines are replaced where others can stand in for them
/// (`NodeState.nextPlan`: never by fewer voters, or voters in fewer regions), and where there was time for it.
struct DiskLosses {
    struct Loss {
        let node: Int
        let at: Duration
    }

    let machines: [WorldOptions.Machines]
    let filesystems: [Scenario.Filesystem]
    let grace: Duration
    /// When machines join that are not there at first, by number; looked up only.
    var joins: [Int: Duration] = [:]
    var late: [Int] = []

    init(_ options: WorldOptions, filesystems: [Scenario.Filesystem], joins: [Int: Duration] = [:]) {
        machines = options.machines
        self.filesystems = filesystems
        grace = options.replicaGrace
        self.joins = joins
        late = options.late
    }

    /// When the machines of a scenario join that are not there at first: those too may vote by the end.
    static func joins(_ scenario: Scenario) -> [Int: Duration] {
        var joins: [Int: Duration] = [:]
        for fault in scenario.faults {
            guard case .restart(let node) = fault.fault, scenario.options.late.contains(node) else { continue }
            joins[node] = min(joins[node] ?? fault.at, fault.at)
        }
        return joins
    }

    /// What it takes, beside the grace, until others have taken a lost machine's replicas over: it is suspected and declared
    /// dead, a plan is made, and what they lack is copied.
    static let moving: Duration = .seconds(30)

    /// `losses` in the order of time. The place of the first that some group does not survive, and why.
    func objection(_ losses: [Loss]) -> (place: Int, reason: String)? {
        var known: [Loss] = []
        for (place, loss) in losses.enumerated() where !known.contains(where: { $0.node == loss.node }) {
            known.append(loss)
            let together = losses.filter { other in other.at == loss.at }.reduce(into: Set<Int>()) { $0.insert($1.node) }
            if known.count == count || together.count == count { return (place, "would destroy all copies of everything") }
            if let group = group(lostWith: known, at: loss.at) {
                return (
                    place,
                    "would leave \(group.name) fewer than a majority of voters with their disks: it may destroy \(group.lost) of \(group.voters), and \(remedy)"
                )
            }
        }
        return nil
    }

    private var remedy: String {
        "replicas need \((grace + Self.moving).inNanoseconds / 1_000_000_000) s, and a machine that has none, to move"
    }

    /// A group that has no majority without these machines, for however long they have been gone.
    func group(lostWith losses: [Loss], at now: Duration) -> (name: String, lost: Int, voters: Int)? {
        for filesystem in filesystems {
            let lost = lost(filesystem.kind == .nfs ? [filesystem.home] : homeFirst(filesystem.home), losses, now)
            if !lost.isSurvived { return (filesystem.name, lost.count, lost.voters) }
        }
        // The catalog's home is that of the first founder.
        let lost = lost(homeFirst(machines[0].region), losses, now)
        return lost.isSurvived ? nil : ("the catalog", lost.count, lost.voters)
    }

    // MARK: Voters

    private struct Lost {
        var count: Int
        var voters: Int
        var isSurvived: Bool { voters - count > voters / 2 }
    }

    private func lost(_ regions: [RegionID], _ losses: [Loss], _ now: Duration) -> Lost {
        let votes = votes(regions)
        var count = 0
        var emptied = 0
        for (region, votes) in zip(regions, votes) {
            let nodes = nodes(of: region, at: now)
            let gone = losses.filter { nodes.contains($0.node) }
            let recent = gone.count { $0.at + grace + Self.moving > now }
            let replaced = min(gone.count - recent, max(0, nodes.count - votes))
            count += min(votes, gone.count - replaced)
            if !nodes.isEmpty, recent == 0, gone.count == nodes.count { emptied += 1 }
        }
        guard regions.count > 2 else { return Lost(count: count, voters: votes.reduce(0, +)) }
        // Of many regions some vote; one that has nobody left is replaced by one that does not vote yet.
        let voters = regions.count >= 5 ? 5 : 3
        count -= min(emptied, regions.count - voters)
        return Lost(count: min(voters, max(0, count)), voters: voters)
    }

    /// How many machines of each region may vote (`ReplicaPlanner.voterCounts`).
    private func votes(_ regions: [RegionID]) -> [Int] {
        let there = regions.map { nodes(of: $0, at: .zero).count }
        switch regions.count {
        case 1: return [min(there[0], 3)]
        case 2: return there[0] >= 2 ? [2, 1] : [1, min(2, there[1])]
        default: return regions.map { _ in 1 }
        }
    }

    private var count: Int { machines.reduce(0) { $0 + $1.count } }

    private func homeFirst(_ home: RegionID) -> [RegionID] {
        var out = [home]
        for machines in machines where !out.contains(machines.region) { out.append(machines.region) }
        return out
    }

    /// The machines of a region that have been there for long enough to hold something.
    private func nodes(of region: RegionID, at now: Duration) -> [Int] {
        var first = 0
        var found: [Int] = []
        for machines in machines {
            defer { first += machines.count }
            guard machines.region == region else { continue }
            found += (first..<(first + machines.count)).filter { node in
                guard late.contains(node) else { return true }
                return joins[node].map { $0 + Self.moving <= now } ?? false
            }
        }
        return found
    }
}

// A minority that stays broken when all else is healed.
extension DiskLosses {
    /// Why the others cannot go on without these machines; nil where they can. A file system whose whole home is among
    /// them is away, and nothing of it is demanded.
    func objection(leavingOut machines: [Int], besides losses: [Loss] = []) -> String? {
        let demanded = DiskLosses(self, filesystems: filesystems.filter { !isAway($0, machines) })
        // As if all happened at once, in the end: what has moved by then is not known.
        let end = Duration.seconds(1_000_000)
        let nodes = machines + losses.map(\.node).filter { !machines.contains($0) }
        if let group = demanded.group(lostWith: nodes.map { Loss(node: $0, at: end) }, at: end) {
            return "would leave \(group.name) no majority: \(group.lost) of its \(group.voters) voters may be among them"
        }
        // Durable is what regions with a majority of the voters hold: with fewer than three, one region, be it on one machine.
        guard Set(self.machines.map(\.region)).count < 3, let volume = filesystems.first(where: { $0.kind == .volume }) else { return nil }
        return "may leave out the only copy of what \(volume.name) holds, which lies in fewer than three regions"
    }

    /// All of a network file system is on these machines.
    func isAway(_ filesystem: Scenario.Filesystem, _ machines: [Int]) -> Bool {
        filesystem.kind == .nfs && nodes(of: filesystem.home, at: .seconds(1_000_000)).allSatisfy { machines.contains($0) }
    }

    private init(_ other: DiskLosses, filesystems: [Scenario.Filesystem]) {
        machines = other.machines
        grace = other.grace
        joins = other.joins
        late = other.late
        self.filesystems = filesystems
    }
}
