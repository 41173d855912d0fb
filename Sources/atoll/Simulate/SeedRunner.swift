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
        var isStopped = false
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
            _ = await stop.wait()
            guard !Task.isCancelled else { return }
            state.withLock { $0.isStopped = true }
        }
        let traceFile = try verb.trace.map { try TraceFile($0, header: verb.traceHeader) }
        await runThreads { [self] lane in work(verb, lane, traceFile) }
        waiting.cancel()
        try traceFile?.close()
        let end = state.withLock { $0 }
        finish(end, verb)
        if let folder = verb.report {
            var page = page(end)
            if !end.isStopped || verb.untilFailure { await page?.plan() }
            try SimulationReport(records: end.results, page: page).write(to: folder)
        }
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

    private func page(_ state: State) -> SimulationPageMaker? {
        guard let (record, timeline) = state.shown else { return nil }
        let seeds = state.results.sorted { $0.seed < $1.seed }
        return SimulationPageMaker(scenario: source.scenario(record.seed), record: record, timeline: timeline, seeds: seeds)
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
        state.withLock { state in
            state.running[record.seed] = nil
            state.events += record.events
            guard !record.wasStopped || !record.violations.isEmpty || count == 1 else { return }
            state.done += 1
            if !record.violations.isEmpty {
                state.failed.append(record.seed)
                if verb.untilFailure { state.isStopped = true }
            }
            if state.results.count < Self.kept { state.results.append(record) }
            guard let timeline else { return }
            // Seeds end in any order; which one is shown does not depend on it.
            let rank = { (record: RunRecord) in (record.violations.isEmpty ? 1 : 0, record.seed) }
            if state.shown.map({ rank(record) < rank($0.record) }) ?? true { state.shown = (record, timeline) }
        }
        if Terminal.errorIsTerminal { Terminal.errorPart("\r\u{1b}[K") }
        if verb.output.json {
            Terminal.line(record.json)
        } else if !verb.mutants, count <= 20 || !record.violations.isEmpty {
            Terminal.line(record.text)
        }
    }

    private func finish(_ state: State, _ verb: Simulate) {
        guard count > 1 || state.isStopped, !verb.mutants else { return }
        let wall = (ContinuousClock.now - began).seconds
        let simulated = state.results.reduce(0.0) { $0 + $1.simulated }
        let words =
            "\(state.done) of \(count) seeds\(state.isStopped ? " (stopped)" : ""), \(state.failed.count) failed; "
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
