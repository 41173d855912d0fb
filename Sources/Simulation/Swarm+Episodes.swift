import Filesystem
import Primitives
import Workloads

/// What half of the swarm's worlds have besides (`SwarmDraw`): routes that change, clocks that go astray while all runs,
/// machines that leave and join, other programs, disks lost for good, and a minority that stays broken. Each kind has a
/// generator of its own, and all are drawn last, so that one more kind changes no world that lacks it.
struct SwarmEpisodes {
    private enum Kind: UInt64, CaseIterable {
        case shift = 1, loss, drift, leave, join, upgrade, poison, grace, losses, minority
    }

    private let seed: UInt64
    private var chance: SeededGenerator
    /// Milliseconds of load.
    private var total = 0

    init(seed: UInt64) {
        self.seed = SeededGenerator.mix(seed) ^ 0x6570_6973_6F64_6573
        chance = SeededGenerator(seed: self.seed)
    }

    mutating func draw(_ scenario: inout Scenario) {
        guard oneIn(2) else { return }
        for kind in Kind.allCases {
            chance = SeededGenerator(seed: SeededGenerator.mix(seed &+ kind.rawValue))
            total = Int(scenario.duration.inNanoseconds / 1_000_000)
            guard oneIn(3) else { continue }
            draw(kind, &scenario)
        }
        scenario.faults.sort { $0.at < $1.at }
    }

    private mutating func oneIn(_ count: Int) -> Bool { chance.below(count) == 0 }
    private mutating func pick(_ range: ClosedRange<Int>) -> Int { range.lowerBound + chance.below(range.count) }

    private mutating func draw(_ kind: Kind, _ scenario: inout Scenario) {
        switch kind {
        case .shift: for _ in 0..<pick(1...3) { drawRoute(&scenario, isLoss: false) }
        case .loss: for _ in 0..<pick(1...3) { drawRoute(&scenario, isLoss: true) }
        case .drift: for _ in 0..<pick(1...4) { drawDrift(&scenario) }
        case .leave: for _ in 0..<pick(1...2) { drawLeave(&scenario) }
        case .join: drawJoins(&scenario)
        case .upgrade: drawUpgrades(&scenario)
        case .poison: drawPoison(&scenario)
        case .grace: scenario.options.replicaGrace = .seconds([2, 6, 15][chance.below(3)])
        case .losses: drawLosses(&scenario)
        case .minority: drawMinority(&scenario)
        }
    }

    private mutating func span() -> (start: Int, end: Int) {
        let start = chance.below(total)
        return (start, start + [500, 2_000, 5_000, 12_000][chance.below(4)] + chance.below(1_000))
    }

    private func add(_ at: Int, _ fault: Fault, _ scenario: inout Scenario) {
        scenario.faults.append(.init(at: .milliseconds(at), fault: fault))
    }

    // MARK: Routes and clocks

    private mutating func drawRoute(_ scenario: inout Scenario, isLoss: Bool) {
        let machines = scenario.options.machines
        // Both may be one region: its own network.
        let (a, b) = (machines[chance.below(machines.count)].region, machines[chance.below(machines.count)].region)
        let (start, end) = span()
        if isLoss {
            add(start, .lossy(a, b, loss: [50, 300, 1_000, 3_000][chance.below(4)]), &scenario)
            add(end, .lossy(a, b, loss: 0), &scenario)
        } else {
            add(start, .shift(a, b, nanoseconds: Int64([5, 40, 200, 600][chance.below(4)]) * 1_000_000), &scenario)
            if !oneIn(3) { add(end, .shift(a, b, nanoseconds: 0), &scenario) }
        }
    }

    /// Rates stay within what the core allows for between two clocks (`RaftSettings.clockDriftPercent`).
    private mutating func drawDrift(_ scenario: inout Scenario) {
        let node = chance.below(scenario.options.nodeCount)
        let ppm = Int64([-45_000, -10_000, -200, 200, 10_000, 45_000][chance.below(6)])
        add(chance.below(total), .driftClock(node, ppm: ppm), &scenario)
    }

    // MARK: Machines that come and go

    /// It says goodbye, and is started again: soon, or when all is healed.
    private mutating func drawLeave(_ scenario: inout Scenario) {
        let node = chance.below(scenario.options.nodeCount)
        let (start, end) = span()
        add(start, .leave(node), &scenario)
        if !oneIn(3) { add(end + 1_000, .restart(node), &scenario) }
    }

    private mutating func drawJoins(_ scenario: inout Scenario) {
        let founders = scenario.options.machines
        for _ in 0..<pick(1...2) {
            let region = founders[chance.below(founders.count)].region
            let node = scenario.options.nodeCount
            scenario.options.machines.append(.init(region: region, count: 1))
            scenario.options.late.append(node)
            let at = chance.below(total)
            add(at, .restart(node), &scenario)
            // Now and then it is gone again at once.
            guard oneIn(3) else { continue }
            add(at + pick(1...3_000), .crash(node, isSudden: oneIn(2)), &scenario)
            add(at + 3_000 + pick(1...3_000), .restart(node), &scenario)
        }
    }

    // MARK: Programs

    /// Machine after machine gets a program that speaks both versions; a few then one that speaks the new one alone.
    private mutating func drawUpgrades(_ scenario: inout Scenario) {
        var at = chance.below(total)
        let both = (0..<scenario.options.nodeCount).filter { _ in !oneIn(3) }
        for node in both {
            add(at, .upgrade(node, oldest: 1, newest: 2, isPoisoned: false), &scenario)
            at += pick(200...1_500)
        }
        guard oneIn(2), let node = both.first else { return }
        // It is understood by those alone that were reached before.
        let end = at + pick(1_000...6_000)
        add(at, .upgrade(node, oldest: 2, newest: 2, isPoisoned: false), &scenario)
        add(end, .upgrade(node, oldest: 1, newest: 2, isPoisoned: false), &scenario)
    }

    private mutating func drawPoison(_ scenario: inout Scenario) {
        let node = chance.below(scenario.options.nodeCount)
        let (start, end) = span()
        add(start, .upgrade(node, oldest: 1, newest: 2, isPoisoned: true), &scenario)
        if !oneIn(3) { add(end, .upgrade(node, oldest: 1, newest: 1, isPoisoned: false), &scenario) }
    }

    // MARK: Disks and minorities

    private static func losses(_ scenario: Scenario) -> [DiskLosses.Loss] {
        scenario.faults.sorted { $0.at < $1.at }.compactMap { fault in
            fault.fault.lostDisk.map { DiskLosses.Loss(node: $0, at: fault.at) }
        }
    }

    private static func decays(_ scenario: Scenario) -> Bool {
        scenario.faults.contains { if case .decay = $0.fault { true } else { false } }
    }

    /// Content of a volume may lie on one machine of a region: it outlives that where other regions have it.
    private static func spreads(_ scenario: Scenario) -> Bool {
        Set(scenario.options.machines.map(\.region)).count >= 3 || !scenario.filesystems.contains { $0.kind == .volume }
    }

    /// Disks are lost for good, at once or with time for replicas to move; chunks decay after that, never before: a chunk's
    /// last sound copy would else go with the disk.
    private mutating func drawLosses(_ scenario: inout Scenario) {
        guard Self.spreads(scenario), !Self.decays(scenario) else { return }
        let joins = DiskLosses.joins(scenario)
        let isSlow = oneIn(3)
        var at = chance.below(total)
        if isSlow {
            // Nothing else happens meanwhile, so that replicas can move.
            scenario.options.replicaGrace = .seconds(4)
            at = max(total, Int((scenario.faults.map(\.at).max() ?? .zero).inNanoseconds / 1_000_000)) + 6_000
        }
        let step = Int((scenario.options.replicaGrace + DiskLosses.moving).inNanoseconds / 1_000_000) + 1_000
        for _ in 0..<pick(1...3) {
            let founders = scenario.options.nodeCount - scenario.options.late.count
            let loss = DiskLosses.Loss(node: chance.below(founders), at: .milliseconds(at))
            let check = DiskLosses(scenario.options, filesystems: scenario.filesystems, joins: joins)
            let all = (Self.losses(scenario) + [loss]).sorted { $0.at < $1.at }
            guard check.objection(all) == nil else { continue }
            add(at, .replaceDisk(loss.node), &scenario)
            at += isSlow ? step : pick(0...2_000)
        }
        guard let last = Self.losses(scenario).last else { return }
        let end = Int(last.at.inNanoseconds / 1_000_000)
        scenario.duration = max(scenario.duration, .milliseconds(end + 4_000))
        guard oneIn(2) else { return }
        for _ in 0..<pick(1...3) {
            add(end + pick(1...3_000), .decay(chance.below(scenario.options.nodeCount), chunks: pick(1...6)), &scenario)
        }
    }

    /// One machine or one region stays crashed, stopped or cut off after the faults.
    private mutating func drawMinority(_ scenario: inout Scenario) {
        guard !Self.decays(scenario), scenario.options.nodeCount > 1 else { return }
        let state = [Scenario.Minority.State.crashed, .paused, .cutOff][chance.below(3)]
        let region = scenario.options.machines[chance.below(scenario.options.machines.count)].region
        let one = chance.below(scenario.options.nodeCount)
        var machines: [Int] = []
        var first = 0
        for place in scenario.options.machines {
            if place.region == region { machines += first..<(first + place.count) }
            first += place.count
        }
        if oneIn(2) { machines = [one] }
        let check = DiskLosses(scenario.options, filesystems: scenario.filesystems, joins: DiskLosses.joins(scenario))
        guard machines.count < scenario.options.nodeCount,
            check.objection(leavingOut: machines, besides: Self.losses(scenario)) == nil
        else { return }
        scenario.minority = .init(machines: machines, state: state)
    }
}
