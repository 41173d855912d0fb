import Foundation
import Primitives
import Simulation
import Synchronization
import Workloads

/// Runs a scenario with many seeds, some at the same time, and prints each as it ends. Ctrl-C ends it
/// with what is known so far.
final class SeedRunner: Sendable {
    struct State {
        var next: UInt64
        var done = 0
        var failed: [UInt64] = []
        var results: [RunRecord] = []
        /// The run that the report shows in full: the first that failed, else the first.
        var shown: (record: RunRecord, timeline: RunTimeline)?
        /// No more seeds are begun, and those under way end: one has failed, or somebody asked.
        var isStopped = false
        /// The signal that did.
        var signal: String?
        var events: UInt64 = 0
        var running: [UInt64: RunProgress] = [:]
        var told = ContinuousClock.now
    }

    private let source: ScenarioSource
    private let first: UInt64
    private let count: Int
    private let jobs: Int
    private let began = ContinuousClock.now
    private let state: Mutex<State>
    /// Results that are kept for a report.
    private static let kept = 100_000

    init(source: ScenarioSource, first: UInt64, count: Int, jobs: Int) {
        self.source = source
        self.first = first
        self.count = count
        self.jobs = max(1, min(jobs, count))
        state = Mutex(State(next: first))
    }

    func run(_ verb: Simulate) async throws -> State {
        CrashNotice.install()
        let stop = StopRequest()
        let waiting = Task {
            let cause = await stop.wait()
            guard !Task.isCancelled else { return }
            state.withLock { ($0.isStopped, $0.signal) = (true, cause) }
        }
        let traceFile = try verb.trace.map { try TraceFile($0, header: verb.traceHeader) }
        await runThreads { [self] lane in work(verb, lane, traceFile) }
        try traceFile?.close()
        var end = state.withLock { $0 }
        finish(end, verb)
        if let folder = verb.report {
            var page = page(end)
            if end.signal == nil { page = await planned(page, stop) }
            end.signal = state.withLock { $0.signal }
            try SimulationReport(records: end.results, page: page).write(to: folder)
        }
        waiting.cancel()
        return end
    }

    /// Threads of their own: runs take long, and the cooperative ones must stay free for Ctrl-C.
    private func runThreads(_ body: @escaping @Sendable (Int) -> Void) async {
        let left = Mutex(jobs)
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let leave: @Sendable () -> Void = {
                let isLast = left.withLock { left in
                    left -= 1
                    return left == 0
                }
                if isLast { continuation.resume() }
            }
            for lane in 0..<jobs {
                let thread = Thread {
                    body(lane)
                    leave()
                }
                thread.stackSize = 64 << 20
                thread.start()
            }
        }
    }

    /// The comparison of both kinds takes a while: Ctrl-C leaves it out.
    private func planned(_ page: SimulationPageMaker?, _ stop: StopRequest) async -> SimulationPageMaker? {
        guard let page else { return nil }
        let work = Task {
            var page = page
            await page.plan()
            return page
        }
        let watch = Task {
            _ = await stop.wait()
            if !Task.isCancelled { work.cancel() }
        }
        defer { watch.cancel() }
        return await work.value
    }

    private func page(_ state: State) -> SimulationPageMaker? {
        guard let (record, timeline) = state.shown else { return nil }
        let seeds = state.results.sorted { $0.seed < $1.seed }
        return SimulationPageMaker(
            scenario: source.scenario(record.seed), record: record, timeline: timeline, seeds: seeds,
            stoppedOf: state.signal == nil ? nil : count)
    }

    private func take() -> UInt64? {
        state.withLock { state in
            guard !state.isStopped, state.next < first + UInt64(count) else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    /// One thread's share; a run never waits for anything.
    private func work(_ verb: Simulate, _ lane: Int, _ traceFile: TraceFile?) {
        while let seed = take() {
            CrashNotice.running("\(verb.repeatLine(seed))", lane: lane)
            let start = ContinuousClock.now
            let sink: ((String) -> Void)? = seed == first ? traceFile.map { file in { file.write($0) } } : nil
            let result = source.run(seed, mutant: verb.mutant, keepsTimeline: verb.report != nil, sink: sink) { self.show(seed, $0) }
            CrashNotice.running("", lane: lane)
            record(RunRecord(result, wall: ContinuousClock.now - start, repeatLine: verb.repeatLine(seed)), result.timeline, verb)
        }
    }

    private func show(_ seed: UInt64, _ progress: RunProgress) -> Bool {
        let (line, goesOn): (String?, Bool) = state.withLock { state in
            state.running[seed] = progress
            let now = ContinuousClock.now
            guard Terminal.errorIsTerminal, now - state.told > .milliseconds(200) else { return (nil, !state.isStopped) }
            state.told = now
            let running = state.running.values
            let simulated = running.reduce(0.0) { $0 + $1.simulated.seconds }
            let events = state.events + running.reduce(0) { $0 + $1.events }
            let speed = Double(events) / max(0.001, (now - began).seconds)
            let text =
                "seed \(seed): \(progress.phase), \(Show.figure(progress.simulated.seconds)) s, \(progress.operations) answers checked; "
                + "\(state.done) of \(count) seeds, \(state.failed.count) failed, \(Show.figure(simulated)) s simulated now, "
                + "\(Show.figure(speed / 1_000)) thousand events/s"
            return (text, !state.isStopped)
        }
        if let line { Terminal.errorPart("\r\u{1b}[K\(line)") }
        return goesOn
    }

    private func record(_ record: RunRecord, _ timeline: RunTimeline?, _ verb: Simulate) {
        let isTold = state.withLock { state in
            state.running[record.seed] = nil
            state.events += record.events
            // Ended because another seed failed: there is nothing to be said of it.
            guard record.stop == nil || !record.violations.isEmpty || state.signal != nil else { return false }
            if record.stop == nil { state.done += 1 }
            if !record.violations.isEmpty {
                state.failed.append(record.seed)
                if verb.untilFailure { state.isStopped = true }
            }
            if state.results.count < Self.kept { state.results.append(record) }
            guard let timeline else { return true }
            // Seeds end in any order; which one is shown does not depend on it.
            let rank = { (record: RunRecord) in
                (record.violations.isEmpty ? 1 : 0, record.stop == nil ? 0 : 1, record.undecided > 0 ? 0 : 1, record.seed)
            }
            if state.shown.map({ rank(record) < rank($0.record) }) ?? true { state.shown = (record, timeline) }
            return true
        }
        if Terminal.errorIsTerminal { Terminal.errorPart("\r\u{1b}[K") }
        guard isTold else { return }
        if verb.output.json {
            Terminal.line(record.json)
        } else if !verb.mutants, count <= 20 || !record.violations.isEmpty || record.undecided > 0 {
            Terminal.line(record.text)
        }
    }

    private func finish(_ state: State, _ verb: Simulate) {
        guard count > 1 || state.isStopped, !verb.mutants else { return }
        let wall = (ContinuousClock.now - began).seconds
        let simulated = state.results.reduce(0.0) { $0 + $1.simulated }
        let within = state.results.count { $0.stop != nil }
        let undecided = state.results.count { $0.undecided > 0 }
        let words =
            "\(state.done) of \(count) seeds\(state.isStopped ? " (stopped)" : "")\(within > 0 ? ", \(within) stopped within" : ""), "
            + "\(state.failed.count) failed\(undecided > 0 ? ", \(undecided) left something undecided" : ""); "
            + "\(Show.figure(wall)) s, \(Show.figure(simulated)) s simulated, \(Show.figure(Double(state.events) / max(wall, 0.001) / 1e6)) million events/s"
        if verb.output.json { Terminal.error(words) } else { Terminal.line(words) }
        if !verb.output.json {
            for line in MeasureTable.lines(state.results) + MeasureTable.gossip(state.results) { Terminal.line(line) }
        }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
