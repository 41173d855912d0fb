import Membership
import Primitives
import Workloads

/// Membership alone, for clusters of many machines: `SWIMState` on every machine, and the network
/// model. Looks for members that are declared dead though they live, and for how long it takes until
/// all know of one that died.
struct GossipRun {
    private enum Action {
        case packet(from: Int, to: Int, SWIMPacket)
        case timer(node: Int, serial: UInt64, SWIMTimer, generation: UInt64)
        case syncRequest(from: Int, life: UInt32, SyncID, to: Int, SyncPayload)
        case syncReply(to: Int, life: UInt32, SyncID, SyncPayload)
        case syncFailed(to: Int, life: UInt32, SyncID)
        case start(Int)
        case fault(Fault)
    }

    /// An object, so that looking at a field never copies the rest.
    private final class Member {
        var state: SWIMState
        let region: RegionID
        var isUp = false
        var life: UInt32 = 0
        var timers: [SWIMTimer: UInt64] = [:]  // looked up only
        var syncs: [SyncToken: (asker: Int, life: UInt32, id: SyncID)] = [:]  // looked up only
        var nextSync: UInt64 = 1
        var pausedUntil: Int64 = 0
        var wasDisturbed = false
        /// What it receives and sends waits until then.
        var stalledUntil: Int64 = 0
        /// A fault of the scenario starves it now and then.
        var isStarved = false

        init(state: SWIMState, region: RegionID) {
            self.state = state
            self.region = region
        }
    }

    private let scenario: Scenario
    private var now: Int64 = 0
    private var heap = EventHeap<Action>()
    private var chance: SeededGenerator
    private var members: [Member] = []
    private var paths: [Path] = []
    /// The region of each member, by its place in the map: read with every packet.
    private var places: [Int] = []
    private let regionCount: Int
    private var weather: NetworkWeather
    private var trace: Trace
    private var statistics = WorldStatistics(checks: CheckTally([.convergence]))
    private var violations: [Violation] = []
    private var serial: UInt64 = 0
    private var effects: [SWIMEffect] = []
    private var cuts: [Int: Int] = [:]  // looked up only
    private var measures: [Measure] = []
    private var figures = GossipFigures()
    private var meter = GossipMeter(members: 0)
    /// Faults alone: nobody uses anything here. Nil where nobody asked for it.
    private var timeline: RunTimeline?
    /// Members that died: when, and who knows.
    private var deaths: [Int: (at: Int64, firstAt: Int64, knowers: Set<Int>)] = [:]  // looked up only

    static func run(
        _ scenario: Scenario, seed: UInt64, keepsTimeline: Bool = false, sink: ((String) -> Void)?, onProgress: (RunProgress) -> Bool
    ) -> RunResult {
        var run = GossipRun(scenario, seed: seed, sink: sink)
        if keepsTimeline { run.timeline = RunTimeline() }
        return run.run(seed, onProgress)
    }

    private init(_ scenario: Scenario, seed: UInt64, sink: ((String) -> Void)?) {
        self.scenario = scenario
        chance = SeededGenerator(seed: SeededGenerator.mix(seed &+ 77))
        weather = scenario.options.weather
        trace = Trace(seed: seed, sink: sink)
        let map = scenario.options.map
        regionCount = map.regions.count
        for a in map.regions { for b in map.regions { paths.append(Path(map.link(from: a.id, to: b.id)!)) } }
        for machines in scenario.options.machines {
            let place = map.regions.firstIndex { $0.id == machines.region } ?? 0
            for _ in 0..<machines.count {
                members.append(makeMember(machines.region))
                places.append(place)
            }
        }
    }

    private mutating func makeMember(_ region: RegionID) -> Member {
        let index = members.count
        let record = MemberRecord(
            id: NodeID(UInt64(index) + 1), region: region,
            endpoints: [NamedEndpoint(NamedEndpoint.gossip, World.gossip(index)), NamedEndpoint(NamedEndpoint.peer, World.peer(index))],
            incarnation: UInt64(1 + now / 1_000_000_000), run: chance.next())
        let seeds = index == 0 ? [] : (0..<min(3, index)).map(World.peer)
        return Member(
            state: SWIMState(
                self: record, seeds: seeds, settings: scenario.gossipProtocol.settings, seed: chance.next(),
                now: Instant(nanoseconds: now)), region: region)
    }

    // MARK: Running

    private mutating func run(_ seed: UInt64, _ onProgress: (RunProgress) -> Bool) -> RunResult {
        for index in members.indices { heap.push(.start(index), at: Int64(chance.below(5_000)) * 1_000_000) }
        let calm: Int64 = 60_000_000_000
        meter = GossipMeter(members: members.count)
        for case .stallPackets(let node, _) in scenario.faults.map(\.fault) { members[node].isStarved = true }
        for fault in scenario.faults { heap.push(.fault(fault.fault), at: calm + fault.at.inNanoseconds) }
        let end = calm + scenario.duration.inNanoseconds
        var phase = "start"
        var wasStopped = false
        var told: Int64 = 0
        var recovery: Duration?
        var limit = end
        while !wasStopped {
            if now >= told {
                told = now + 1_000_000_000
                measureBandwidth(calm)
                if phase == "start", now >= calm { phase = "load" }
                let progress = RunProgress(phase: phase, simulated: .nanoseconds(now), events: statistics.events, operations: 0)
                if !onProgress(progress) { wasStopped = true }
                if phase == "heal", members.allSatisfy({ !$0.isUp || $0.state.presentMembers == upCount }) {
                    recovery = .nanoseconds(now - end)
                    break
                }
            }
            guard let next = heap.nextAt, next <= limit, let (at, action) = heap.pop() else {
                if phase == "heal" { break }
                now = end
                phase = "heal"
                figures.loaded = meter.take(at: now)
                limit = end + scenario.expectations.recoveryMax.inNanoseconds
                apply(.healAll)
                continue
            }
            now = max(now, at)
            statistics.events += 1
            perform(action)
        }
        if !wasStopped { statistics.checks.count(.convergence, UInt64(upCount)) }
        if recovery == nil, !wasStopped {
            let counts = members.filter(\.isUp).map(\.state.presentMembers)
            violate(.convergence, "members see from \(counts.min() ?? 0) to \(counts.max() ?? 0) of \(upCount) present")
        }
        var result = RunResult(
            scenario: scenario.name, seed: seed, traceHash: trace.hash, simulated: .nanoseconds(now), violations: violations,
            statistics: statistics, recovery: recovery,
            stop: wasStopped ? RunStop(at: .nanoseconds(now), phase: phase) : nil)
        result.timeline = timeline
        result.measures = measures
        if figures.loaded.mean == 0 { figures.loaded = meter.take(at: now) }
        result.gossip = figures
        return result
    }

    /// The second half of the calm, and the load.
    private mutating func measureBandwidth(_ calm: Int64) {
        let second: Int64 = 1_000_000_000
        switch now {
        case (calm / 2)..<(calm / 2 + second): _ = meter.take(at: now)
        case calm..<(calm + second): figures.quiet = meter.take(at: now)
        default: break
        }
    }

    private var upCount: Int { members.count { $0.isUp } }

    private mutating func violate(_ kind: Violation.Kind, _ text: String) {
        if violations.count < 20 { violations.append(Violation(kind: kind, at: now, text: text)) }
    }

    private mutating func perform(_ action: consuming Action) {
        switch action {
        case .start(let index):
            members[index].isUp = true
            handle(.start, index)
        case .packet(let from, let to, let packet):
            guard members[to].isUp else { return }
            guard members[to].pausedUntil <= now else { return heap.push(.packet(from: from, to: to, packet), at: members[to].pausedUntil) }
            guard members[to].stalledUntil <= now else {
                return heap.push(.packet(from: from, to: to, packet), at: members[to].stalledUntil)
            }
            handle(.packet(from: World.gossip(from), packet), to)
        case .timer(let node, let serial, let timer, let generation):
            guard members[node].isUp, members[node].timers[timer] == serial else { return }
            guard members[node].pausedUntil <= now else {
                return heap.push(.timer(node: node, serial: serial, timer, generation: generation), at: members[node].pausedUntil)
            }
            members[node].timers[timer] = nil
            handle(.timer(timer, generation: generation), node)
        case .syncRequest(let from, let life, let id, let to, let payload):
            guard members[to].isUp else { return heap.push(.syncFailed(to: from, life: life, id), at: now + 5_000_000_000) }
            guard members[to].stalledUntil <= now else {
                return heap.push(.syncRequest(from: from, life: life, id, to: to, payload), at: members[to].stalledUntil)
            }
            let token = SyncToken(members[to].nextSync)
            members[to].nextSync += 1
            members[to].syncs[token] = (from, life, id)
            handle(.syncRequest(token, payload), to)
        case .syncReply(let to, let life, let id, let payload):
            guard members[to].isUp, members[to].life == life else { return }
            guard members[to].stalledUntil <= now else {
                return heap.push(.syncReply(to: to, life: life, id, payload), at: members[to].stalledUntil)
            }
            handle(.syncReply(id, payload), to)
        case .syncFailed(let to, let life, let id): if members[to].isUp, members[to].life == life { handle(.syncFailed(id), to) }
        case .fault(let fault): apply(fault)
        }
    }

    private mutating func handle(_ event: SWIMEvent, _ node: Int) {
        statistics.nodeEvents += 1
        trace.fold(UInt64(bitPattern: now) ^ UInt64(node) << 48)
        var effects = effects
        self.effects = []
        members[node].state.handle(event, now: Instant(nanoseconds: now), into: &effects)
        for effect in effects { interpret(effect, node) }
        effects.removeAll(keepingCapacity: true)
        self.effects = effects
    }

    private mutating func interpret(_ effect: SWIMEffect, _ node: Int) {
        switch effect {
        case .send(let endpoint, let packet): send(packet, node, Int(endpoint.port) - 1)
        case .startTimer(let timer, let generation, let at):
            serial += 1
            members[node].timers[timer] = serial
            heap.push(.timer(node: node, serial: serial, timer, generation: generation), at: max(now, at.nanoseconds))
        case .cancelTimer(let timer): members[node].timers[timer] = nil
        case .sync(let id, let endpoint, _, let payload):
            let to = Int(endpoint.port) - 1
            meter.count(node, payload.encodedBytes)
            guard members.indices.contains(to), !isCut(node, to) else {
                return heap.push(.syncFailed(to: node, life: members[node].life, id), at: now + 5_000_000_000)
            }
            let travel = path(node, to).roundTrip * 2
            let leaving = max(now, members[node].stalledUntil)
            heap.push(.syncRequest(from: node, life: members[node].life, id, to: to, payload), at: leaving + travel)
        case .syncReply(let token, let payload):
            meter.count(node, payload.encodedBytes)
            guard let (asker, life, id) = members[node].syncs.removeValue(forKey: token) else { return }
            let leaving = max(now, members[node].stalledUntil)
            heap.push(.syncReply(to: asker, life: life, id, payload), at: leaving + path(node, asker).roundTrip / 2)
        case .memberChanged(let record, let previous, _):
            trace.line(now, "n\(node + 1) takes \(record.id) for \(record.status), after \(previous.map { "\($0)" } ?? "nothing")")
            let subject = World.index(of: record.id)
            statistics.checks.count(.convergence)
            if record.status == .dead { noteDeath(subject, by: node) }
            noteVerdict(record.status, of: subject, by: node)
            if record.status == .dead, members[subject].isUp, !members[subject].wasDisturbed, !members[node].wasDisturbed, isGuarded {
                violate(.convergence, "n\(node + 1) takes \(record.id) for dead, which was never disturbed")
            }
        case .factsChanged, .memberForgotten, .regionUnreachable, .regionReachable, .identityConflict, .leaveFinished: break
        }
    }

    /// Healthy members are never to be accused by healthy ones; but where some are stopped all the time, or the protocol lacks
    /// what it has against that, it is counted how often.
    private var isGuarded: Bool { scenario.gossipProtocol == .full && !members.contains { $0.isStarved } }

    private mutating func noteVerdict(_ status: MemberStatus, of subject: Int, by node: Int) {
        guard members[subject].isUp, status == .suspect || status == .dead else { return }
        if members[subject].isStarved {
            if status == .dead { figures.starvedTakenForDead += 1 }
        } else if !members[subject].wasDisturbed {
            if status == .suspect { return figures.suspicions += 1 }
            figures.falsePositives += 1
            if !members[node].wasDisturbed, !members[node].isStarved { figures.falsePositivesAtHealthy += 1 }
        }
    }

    private func path(_ a: Int, _ b: Int) -> Path { paths[places[a] * regionCount + places[b]] }
    private func isCut(_ a: Int, _ b: Int) -> Bool { !cuts.isEmpty && (cuts[a * 8_192 + b] ?? 0) > 0 }

    private mutating func send(_ packet: SWIMPacket, _ from: Int, _ to: Int) {
        guard members.indices.contains(to) else { return }
        statistics.datagrams += 1
        meter.count(from, packet.encodedBytes + GossipMeter.overhead)
        guard !isCut(from, to) else { return }
        let path = path(from, to)
        if weather.loss > 0, chance.below(10_000) < weather.loss { return }
        heap.push(.packet(from: from, to: to, packet), at: max(now, members[from].stalledUntil) + path.travel(weather, &chance))
    }

    // MARK: Faults

    private mutating func apply(_ fault: Fault) {
        statistics.faults += 1
        trace.line(now, "fault \(fault)")
        let text = timeline == nil ? "" : words(fault)
        timeline?.mark(fault: text, at: now)
        switch fault {
        case .crash(let node, _):
            members[node].isUp = false
            members[node].life += 1
            members[node].timers = [:]
            members[node].wasDisturbed = true
            deaths[node] = (now, now, [])
        case .restart(let node): restart(node)
        case .pause(let node, let span):
            members[node].pausedUntil = now + span
            members[node].wasDisturbed = true
        case .stallPackets(let node, let span): members[node].stalledUntil = now + span
        case .cut(let from, let to):
            for a in from {
                for b in to {
                    cuts[a * 8_192 + b, default: 0] += 1
                    (members[a].wasDisturbed, members[b].wasDisturbed) = (true, true)
                }
            }
        case .uncut(let from, let to): for a in from { for b in to { cuts[a * 8_192 + b, default: 1] -= 1 } }
        case .weather(let weather): self.weather = weather
        case .healAll:
            cuts = [:]
            for node in members.indices { restart(node) }
        default: break
        }
    }

    private func words(_ fault: Fault) -> String {
        func name(_ node: Int) -> String { "n\(node + 1) (\(members[node].region))" }
        return switch fault {
        case .crash(let node, _): "\(name(node)) is killed"
        case .restart(let node): "\(name(node)) starts"
        case .pause(let node, let span): "\(name(node)) stands still for \(span / 1_000_000) ms"
        case .stallPackets(let node, let span): "packets of \(name(node)) wait for \(span / 1_000_000) ms"
        case .cut(let from, let to): "nothing gets from \(from.count) members to \(to.count)"
        case .uncut(let from, let to): "\(from.count) members reach \(to.count) again"
        default: "all is mended"
        }
    }

    private mutating func noteDeath(_ subject: Int, by node: Int) {
        guard !members[subject].isUp, var death = deaths[subject], death.knowers.insert(node).inserted else { return }
        if death.knowers.count == 1 { measures.append(Measure("from a death to the first who declares it", now - death.at)) }
        if death.knowers.count == 1 { death.firstAt = now }
        if death.knowers.count == upCount {
            measures.append(Measure("from a death to the last who knows", now - death.at))
            measures.append(Measure("from the first who declares a death to the last who knows", now - death.firstAt))
        }
        deaths[subject] = death
    }

    private mutating func restart(_ node: Int) {
        guard !members[node].isUp else { return }
        deaths[node] = nil
        let old = members[node]
        let record = MemberRecord(
            id: NodeID(UInt64(node) + 1), region: old.region,
            endpoints: [NamedEndpoint(NamedEndpoint.gossip, World.gossip(node)), NamedEndpoint(NamedEndpoint.peer, World.peer(node))],
            incarnation: UInt64(1 + now / 1_000_000_000), run: chance.next())
        let seeds = (0..<4).map { _ in World.peer(chance.below(members.count)) }
        members[node].state = SWIMState(
            self: record, seeds: seeds, settings: scenario.gossipProtocol.settings, seed: chance.next(), now: Instant(nanoseconds: now))
        members[node].isUp = true
        members[node].life += 1
        statistics.restarts += 1
        handle(.start, node)
    }
}
