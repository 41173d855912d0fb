import Primitives
package import Workloads

/// Swarm testing (Groce et al., ISSTA 2012): each seed draws a configuration of its own, in which
/// many features are off, so that those that are on get their chance.
extension Scenario {
    /// One world in four runs the storage's own code. `storage` says so for all of them, or for none.
    package static func swarm(_ map: RegionMap, seed: UInt64, storage: WorldOptions.StorageKind? = nil) -> Scenario {
        var swarm = SwarmDraw(map, seed: seed)
        var scenario = swarm.draw()
        // By a generator of its own: what else a seed draws does not depend on it.
        var chance = SeededGenerator(seed: SeededGenerator.mix(seed) ^ 0x7374_6F72_6167_65)
        let isReal = chance.below(4) == 0
        if storage.map({ $0 == .real }) ?? isReal {
            scenario.options.storage = .real
            scenario.failSyncs(&chance)
        }
        var more = SwarmEpisodes(seed: seed)
        more.draw(&scenario)
        if scenario.options.storage == .real { scenario.rotSome(seed) }
        scenario.drawJobs(seed)
        return scenario
    }

    /// Some of the disks that are lost are lost because a log or a snapshot on them has decayed.
    private mutating func rotSome(_ seed: UInt64) {
        var chance = SeededGenerator(seed: SeededGenerator.mix(seed) ^ 0x726F_74)
        for place in faults.indices {
            guard case .replaceDisk(let node) = faults[place].fault else { continue }
            let draw = chance.below(3)
            if draw < 2 { faults[place].fault = .rot(node, draw == 0 ? .log : .snapshots) }
        }
    }

    /// Jobs that not all worlds have, by a generator of their own too.
    private mutating func drawJobs(_ seed: UInt64) {
        var chance = SeededGenerator(seed: SeededGenerator.mix(seed) ^ 0x6A_6F_62_73)
        for place in clients.indices {
            let percent = [0, 0, 25, 60][chance.below(4)]
            switch filesystems[clients[place].filesystem].kind {
            case .nfs: clients[place].namesPercent = percent
            case .volume: clients[place].editPercent = percent / 2
            }
        }
    }

    private mutating func failSyncs(_ chance: inout SeededGenerator) {
        guard chance.below(3) == 0 else { return }
        for _ in 0...chance.below(3) {
            let at = Duration.milliseconds(chance.below(Int(duration.inNanoseconds / 1_000_000)))
            faults.append(.init(at: at, fault: .failSync(chance.below(options.nodeCount))))
        }
        faults.sort { $0.at < $1.at }
    }
}

private struct SwarmDraw {
    let map: RegionMap
    var chance: SeededGenerator

    init(_ map: RegionMap, seed: UInt64) {
        self.map = map
        chance = SeededGenerator(seed: SeededGenerator.mix(seed) ^ 0x7377_61_72_6D)
    }

    mutating func oneIn(_ count: Int) -> Bool { chance.below(count) == 0 }
    mutating func pick(_ range: ClosedRange<Int>) -> Int { range.lowerBound + chance.below(range.count) }

    mutating func draw() -> Scenario {
        var regions: [RegionID] = []
        let wanted = min(map.regions.count, [1, 2, 3, 3, 3, 4, 5][chance.below(7)])
        while regions.count < wanted {
            let region = map.regions[chance.below(map.regions.count)].id
            if !regions.contains(region) { regions.append(region) }
        }
        var left = 9
        let machines = regions.map { region in
            let count = max(1, min(left - (regions.count - 1), [1, 1, 2, 3, 3][chance.below(5)]))
            left = max(1, left - count)
            return WorldOptions.Machines(region: region, count: count)
        }
        var options = WorldOptions(map: map, machines: machines)
        drawOptions(&options)
        var scenario = Scenario(name: "swarm", title: "Everything drawn from the seed", options: options)
        drawLoad(&scenario, regions)
        drawFaults(&scenario)
        return scenario
    }

    private mutating func drawOptions(_ options: inout WorldOptions) {
        if oneIn(2) { options.weather.loss = pick(0...300) }
        if oneIn(2) { options.weather.duplication = pick(0...300) }
        if oneIn(2) { options.weather.reordering = pick(0...500) }
        options.weather.jitter = [0, 100, 100, 300, 1_000][chance.below(5)]
        let sync = [50, 200, 1_000, 5_000][chance.below(4)]
        options.disk.syncMicroseconds = sync...(sync * pick(1...20))
        options.driftPPM = [0, 50, 1_000, 40_000][chance.below(4)]
        options.chunkBytes = [16_384, 65_536, 262_144][chance.below(3)]
        options.encodes = oneIn(8)
        options.snapshotEntries = [8, 20, 60, 8_192][chance.below(4)]
        if oneIn(2) {
            options.upkeepInterval = .seconds(pick(1...4))
            options.garbageGrace = .seconds(pick(5...30))
        }
    }

    private mutating func drawLoad(_ scenario: inout Scenario, _ regions: [RegionID]) {
        let kinds = chance.below(4)
        if kinds != 0 { scenario.filesystems.append(.init(name: "share", kind: .nfs, home: regions[chance.below(regions.count)])) }
        if kinds != 1 { scenario.filesystems.append(.init(name: "data", kind: .volume, home: regions[chance.below(regions.count)])) }
        for place in scenario.filesystems.indices {
            var plan = ClientPlan(filesystem: place, regions: regions, count: regions.count <= 2 ? 2 : 1)
            plan.files = pick(1...8)
            plan.thinkMilliseconds = [5...50, 20...200, 100...600][chance.below(3)]
            plan.largeOneIn = [0, 2, 4, 8][chance.below(4)]
            plan.largeBytes = 5_000...[20_000, 200_000, 1_000_000][chance.below(3)]
            plan.stagedMax = pick(1...6)
            plan.ifUnchangedPercent = [0, 20, 50][chance.below(3)]
            plan.lockPercent = [0, 0, 20, 60][chance.below(4)]
            if oneIn(8) { plan.roamAfter = .seconds(pick(3...8)) }
            scenario.clients.append(plan)
        }
        scenario.duration = .seconds(pick(8...20))
    }

    // MARK: Faults

    private mutating func drawFaults(_ scenario: inout Scenario) {
        let kinds = (0..<14).filter { _ in oneIn(2) }
        guard !kinds.isEmpty else { return }
        let total = Int(scenario.duration.inNanoseconds / 1_000_000)
        for _ in 0..<pick(1...8) {
            let start = chance.below(total)
            let span = [300, 1_500, 4_000, 9_000][chance.below(4)] + chance.below(1_000)
            drawEpisode(kinds[chance.below(kinds.count)], start, span, &scenario)
        }
        drawLostDisk(&scenario, total)
        scenario.faults.sort { $0.at < $1.at }
    }

    /// One machine loses its disk for good, in worlds that promise to survive that: nothing else may be lost
    /// with it.
    private mutating func drawLostDisk(_ scenario: inout Scenario, _ total: Int) {
        let machines = scenario.options.machines
        let survives = scenario.filesystems.allSatisfy { filesystem in
            filesystem.kind == .volume
                ? machines.count >= 3 : machines.contains { $0.region == filesystem.home && $0.count >= 3 }
        }
        guard survives, machines.count >= 3, oneIn(3) else { return }
        let decays = scenario.faults.contains { if case .decay = $0.fault { true } else { false } }
        guard !decays else { return }
        scenario.faults.append(
            .init(at: .milliseconds(chance.below(total)), fault: .replaceDisk(chance.below(scenario.options.nodeCount))))
    }

    private mutating func drawEpisode(_ kind: Int, _ start: Int, _ span: Int, _ scenario: inout Scenario) {
        let count = scenario.options.nodeCount
        let node = chance.below(count)
        func add(_ at: Int, _ fault: Fault) { scenario.faults.append(.init(at: .milliseconds(at), fault: fault)) }
        switch kind {
        case 0:
            // One part of the machines against the rest: by regions, or anyhow.
            let side = (0..<count).filter { _ in oneIn(2) }
            let other = (0..<count).filter { !side.contains($0) }
            let isOneWay = oneIn(3)
            add(start, .cut(from: side, to: other))
            if !isOneWay { add(start, .cut(from: other, to: side)) }
            add(start + span, .uncut(from: side, to: other))
            if !isOneWay { add(start + span, .uncut(from: other, to: side)) }
        case 1:
            let others = (0..<count).filter { $0 != node }
            add(start, .cut(from: [node], to: others))
            add(start, .cut(from: others, to: [node]))
            add(start + span, .uncut(from: [node], to: others))
            add(start + span, .uncut(from: others, to: [node]))
        case 2:
            add(start, .crash(node, isSudden: oneIn(2)))
            add(start + span, .restart(node))
        case 3:
            // A region, or everything, at once.
            let region = scenario.options.machines[chance.below(scenario.options.machines.count)]
            let isAll = oneIn(3)
            var first = 0
            for machines in scenario.options.machines {
                for place in first..<(first + machines.count) where isAll || machines.region == region.region {
                    add(start, .crash(place, isSudden: true))
                    add(start + span + chance.below(2_000), .restart(place))
                }
                first += machines.count
            }
        case 4: add(start, .pause(node, nanoseconds: Int64(span) * 1_000_000))
        case 5: add(start, .stallDisk(node, nanoseconds: Int64(span) * 1_000_000))
        case 6:
            add(start, .slowDisk(node, factor: pick(10...100)))
            add(start + span, .slowDisk(node, factor: 1))
        case 7:
            add(start, .fillDisk(node, isFull: true))
            add(start + span, .fillDisk(node, isFull: false))
        case 8: add(start, .decay(node, chunks: pick(1...10)))
        case 9, 10:
            // Two that do not reach each other, and all others reach both.
            let other = chance.below(count)
            guard other != node else { return }
            add(start, .cut(from: [node], to: [other]))
            if kind == 9 { add(start, .cut(from: [other], to: [node])) }
            add(start + span, .uncut(from: [node], to: [other]))
            if kind == 9 { add(start + span, .uncut(from: [other], to: [node])) }
        case 11:
            // A process that its supervisor starts again at once, several times.
            var at = start
            for _ in 0..<pick(1...6) {
                add(at, .crash(node, isSudden: false))
                add(at + pick(1...60), .restart(node))
                at += 60 + pick(20...1_500)
            }
        case 12:
            // The same with all of them, one after the other: elections meet voters that have just started.
            var at = start
            for _ in 0..<pick(2...8) {
                let one = chance.below(count)
                add(at, .crash(one, isSudden: false))
                add(at + pick(1...60), .restart(one))
                at += pick(61...400)
            }
        default:
            add(start, .stepClock(node, nanoseconds: Int64(pick(-3_600...3_600)) * 1_000_000_000))
        }
    }
}
