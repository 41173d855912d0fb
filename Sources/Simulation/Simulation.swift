import NodeCore
import Primitives
import Replication

/// Runs scenarios. Each run has four phases: the cluster comes up; load and faults; the faults end
/// and clients finish; what was promised is verified in every region. The checkers speak last.
package enum Simulation {
    /// `onProgress` is asked every simulated second and may end the run by returning false; `sink` gets
    /// the event log; `storage` makes the disks of worlds whose scenario asks for the storage's own code. The result is a
    /// function of scenario, seed and mutant.
    package static func run(
        _ scenario: Scenario, seed: UInt64, mutant: Mutant? = nil, storage: WorldStorageMaker? = nil, keepsTimeline: Bool = false,
        sink: ((String) -> Void)? = nil, onProgress: (RunProgress) -> Bool = { _ in true }
    ) -> RunResult {
        if scenario.gossipOnly {
            return GossipRun.run(scenario, seed: seed, keepsTimeline: keepsTimeline, sink: sink, onProgress: onProgress)
        }
        var run = ClusterRun(scenario, seed: seed, mutant: mutant, storage: storage, sink: sink)
        if keepsTimeline { run.world.timeline = RunTimeline() }
        return withoutActuallyEscaping(onProgress) { onProgress in
            run.onProgress = onProgress
            defer { run.onProgress = { _ in true } }
            return run.run()
        }
    }
}

/// A run of whole nodes.
struct ClusterRun {
    let scenario: Scenario
    let seed: UInt64
    var world: World
    var onProgress: (RunProgress) -> Bool = { _ in true }
    private var phase = "start"
    private var wasStopped = false
    private var lastProgress: Int64 = 0
    private var recovery: Duration?

    init(_ scenario: Scenario, seed: UInt64, mutant: Mutant?, storage: WorldStorageMaker?, sink: ((String) -> Void)?) {
        self.scenario = scenario
        self.seed = seed
        world = World(scenario.options, seed: seed, mutant: mutant, storage: storage, sink: sink)
    }

    mutating func run() -> RunResult {
        if begin() {
            load()
            heal()
            verify()
        }
        if wasStopped {
            world.checkSoFar()
        } else {
            world.abandonLeftOut()
            world.checkAtEnd()
            checkExpectations()
        }
        for group in [world.statistics.operations, world.statistics.commits, UInt64(world.violations.count)] { world.trace.fold(group) }
        for host in world.hosts { if let storage = host.disk.storage { world.trace.fold(storage.calls) } }
        world.closeTimeline()
        var result = RunResult(
            scenario: scenario.name, seed: seed, traceHash: world.trace.hash, simulated: .nanoseconds(world.now),
            violations: world.violations, statistics: world.statistics, recovery: recovery,
            stop: wasStopped ? RunStop(at: .nanoseconds(world.now), phase: phase) : nil, timeline: world.timeline)
        result.measures = world.measures
        return result
    }

    /// Runs a phase; true where its condition came to hold.
    private mutating func run(_ name: String, for span: Duration, until isDone: (inout World) -> Bool = { _ in false }) -> Bool {
        guard !wasStopped else { return false }
        phase = name
        world.timeline?.mark(phase: name, at: world.now)
        world.trace.line(world.now, "phase \(name)")
        let end = world.now + span.inNanoseconds
        var stopped = false
        var last = lastProgress
        let onProgress = onProgress
        let isMet = world.run(until: end) { world in
            if world.now - last >= 1_000_000_000 {
                last = world.now
                world.checkHistories()
                let progress = RunProgress(
                    phase: name, simulated: .nanoseconds(world.now), events: world.statistics.events,
                    operations: world.statistics.operations)
                if !onProgress(progress) { stopped = true }
            }
            return stopped || isDone(&world)
        }
        lastProgress = last
        if stopped { wasStopped = true }
        return isMet && !stopped
    }

    // MARK: Phases

    /// The machines start, the catalog gets its leader, the file systems are made.
    private mutating func begin() -> Bool {
        let founders = world.hosts.indices.filter { !scenario.options.late.contains($0) }
        for node in founders {
            let delay = Int64(world.chance.below(50)) * 1_000_000
            world.after(delay, .fault(.restart(node)))
        }
        for filesystem in scenario.filesystems {
            world.filesystems.append(FilesystemInWorld(name: filesystem.name, kind: filesystem.kind, home: filesystem.home))
        }
        for number in 0..<scenario.idleVolumes {
            let home = scenario.options.machines[number % scenario.options.machines.count].region
            world.filesystems.append(FilesystemInWorld(name: "idle-\(number)", kind: .volume, home: home))
        }
        let isUp = run("start", for: .seconds(60)) { world in
            founders.allSatisfy { world.hosts[$0].isUp && world.hosts[$0].state.catalog.nodes.count == founders.count }
        }
        guard isUp else {
            if !wasStopped { world.violate(.liveness, "the cluster did not come up within a minute") }
            return false
        }
        for place in world.filesystems.indices { world.create(place, at: founders[place % founders.count]) }
        let isMade = run("create", for: .seconds(60 + Int64(scenario.idleVolumes) / 10)) { world in
            world.filesystems.allSatisfy { $0.id != nil } && world.isSettled
        }
        world.statistics.checks.count(.liveness, UInt64(founders.count + world.filesystems.count))
        if !isMade, !wasStopped { world.violate(.liveness, "the file systems were not made within a minute") }
        return isMade
    }

    private mutating func load() {
        (world.statistics.faults, world.statistics.restarts) = (0, 0)
        for plan in scenario.clients { world.addClients(plan) }
        for fault in scenario.faults { world.after(fault.at.inNanoseconds, .fault(fault.fault)) }
        _ = run("load", for: scenario.duration)
    }

    private mutating func heal() {
        guard !wasStopped else { return }
        let began = world.now
        if let minority = scenario.minority { world.leaveOut(minority) }
        world.apply(.healAll)
        let limit = scenario.expectations.recoveryMax
        let areDone = run("heal", for: limit) { world in world.clients.allSatisfy { world.isDone($0) } }
        world.statistics.checks.count(.liveness, UInt64(world.clients.count))
        if !areDone, !wasStopped, let client = world.clients.first(where: { !world.isDone($0) }) {
            world.violate(
                .liveness, "client \(client.index) at n\(client.node + 1) is not done \(limit) after the faults: \(client.lastFailure)")
        }
        if converge() { recovery = .nanoseconds(world.now - began) }
    }

    private mutating func converge() -> Bool {
        let limit = scenario.expectations.recoveryMax
        let doAgree = run("converge", for: limit) { world in world.disagreement() == nil && world.missingMembers() == nil }
        if !wasStopped { world.statistics.checks.count(.convergence, world.comparedAtEnd) }
        if !doAgree, !wasStopped { world.violate(.convergence, world.disagreement() ?? world.missingMembers() ?? "not converged") }
        return doAgree
    }

    /// A client in every region reads everything, and changes something.
    private mutating func verify() {
        guard !wasStopped else { return }
        let first = world.clients.count
        for place in scenario.filesystems.indices where !isAway(scenario.filesystems[place]) {
            let files = scenario.clients.filter { $0.filesystem == place }.map(\.files).max() ?? 0
            // A region whose only machine has lost its disk is gone.
            for machines in scenario.options.machines
            where world.hosts.contains(where: { $0.region == machines.region && $0.isUp && !$0.isLeftOut }) {
                addVerifier(place, files, machines.region)
            }
        }
        let limit = scenario.expectations.recoveryMax
        let areDone = run("verify", for: limit) { world in world.clients[first...].allSatisfy(\.isDone) }
        world.statistics.checks.count(.liveness, UInt64(world.clients.count - first))
        if !areDone, !wasStopped, let client = world.clients[first...].first(where: { !$0.isDone }) {
            world.violate(
                .liveness,
                "after healing \(world.filesystems[client.plan.filesystem].name) cannot be used at n\(client.node + 1): \(client.job.map { "\($0.kind)" } ?? "open"): \(client.lastFailure)"
            )
        }
        if !wasStopped { _ = converge() }
    }

    /// All of it is where nothing is healed.
    private func isAway(_ filesystem: Scenario.Filesystem) -> Bool {
        guard let minority = scenario.minority else { return false }
        return DiskLosses(scenario.options, filesystems: [], joins: DiskLosses.joins(scenario)).isAway(filesystem, minority.machines)
    }

    private mutating func addVerifier(_ place: Int, _ files: Int, _ region: RegionID) {
        var plan = ClientPlan(filesystem: place, regions: [region], count: 1)
        plan.files = files + 1
        plan.largeOneIn = 2
        plan.deadlineMilliseconds = 10_000...20_000
        let index = world.clients.count
        world.addClient(plan, 0, region, script: [])
        guard world.clients.count > index else { return }
        var script: [Job] = []
        if scenario.filesystems[place].kind == .volume { script.append(Job(.reload(latest: true))) }
        for file in 0..<files { script.append(world.makeJob(.read, file, index)) }
        script.append(world.makeJob(.write, files, index))
        script.append(world.makeJob(.read, files, index))
        if scenario.filesystems[place].kind == .volume { script.append(Job(.commit(ifUnchanged: false))) }
        world.clients[index].script = script
    }

    private mutating func checkExpectations() {
        let expected = scenario.expectations
        world.statistics.checks.count(.expectation, UInt64(expected.count))
        if world.statistics.checks.undecided > expected.undecidedMax {
            world.violate(
                .expectation,
                "undecided: \(world.statistics.checks.undecidedWords); expected at most \(expected.undecidedMax) (undecided_max)")
        }
        if world.statistics.operations < expected.operationsMin {
            world.violate(.expectation, "\(world.statistics.operations) operations; expected at least \(expected.operationsMin)")
        }
        if world.statistics.commits < expected.commitsMin {
            world.violate(.expectation, "\(world.statistics.commits) commits; expected at least \(expected.commitsMin)")
        }
        if world.statistics.commitsAtLeader * 100 < world.statistics.commits * expected.commitsAtLeaderPercent {
            world.violate(
                .expectation,
                "\(world.statistics.commitsAtLeader) of \(world.statistics.commits) commits in the leader's region; expected \(expected.commitsAtLeaderPercent) %"
            )
        }
        if world.statistics.commitsAmongVoters * 100 < world.statistics.commits * expected.commitsAmongVotersPercent {
            world.violate(
                .expectation,
                "\(world.statistics.commitsAmongVoters) of \(world.statistics.commits) commits in regions that vote; expected \(expected.commitsAmongVotersPercent) %"
            )
        }
    }
}
