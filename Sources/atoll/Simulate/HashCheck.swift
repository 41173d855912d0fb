import Comparison
import Foundation
import Primitives
import Simulation
import Synchronization
import Workloads

/// `atoll simulate hashes`: runs what a file of trace hashes names, and compares, or writes the file anew.
struct HashCheck {
    static let usualPath = "simulations/trace-hashes.txt"

    let path: String
    let records: Bool
    let jobs: Int

    func run() async throws {
        var table = try read()
        let results = try await runAll(table.lines)
        guard !records else {
            let changed = zip(table.lines, results).count { $0.hash != $1.traceHashText }
            for (place, result) in results.enumerated() { table.lines[place].hash = result.traceHashText }
            try LocalFiles.write(table.text, to: path)
            return Terminal.line("wrote \(path): \(results.count) runs, \(changed) changed")
        }
        let wrong = zip(table.lines, results).compactMap { table.difference($0, $1) }
        for text in wrong { Terminal.error(text) }
        guard wrong.isEmpty else {
            throw CommandFailure("simulate", "hashes", "\(wrong.count) of \(results.count) runs are not as recorded in \(path)")
        }
        Terminal.line("\(results.count) runs are as recorded in \(path)")
    }

    private func read() throws -> TraceHashes {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure.usage(
                "simulate", "--hashes \(path)", "there is no such file", hint: "name one, or be where \(Self.usualPath) is")
        }
        do {
            return try TraceHashes(String(decoding: data, as: UTF8.self), file: path)
        } catch {
            throw CommandFailure.usage("simulate", "--hashes", error.description)
        }
    }

    /// Runs under way and done, shared by the threads.
    private final class Work: Sendable {
        private let state = Mutex((next: 0, results: [Int: RunResult]()))
        let lines: [TraceHashes.Line]
        init(_ lines: [TraceHashes.Line]) { self.lines = lines }

        var results: [RunResult] { state.withLock { state in lines.indices.compactMap { state.results[$0] } } }

        func runSome() throws {
            while true {
                let place = state.withLock { state in
                    defer { state.next += 1 }
                    return state.next
                }
                guard place < lines.count else { return }
                let result = try HashCheck.run(lines[place])
                state.withLock { $0.results[place] = result }
            }
        }
    }

    private func runAll(_ lines: [TraceHashes.Line]) async throws -> [RunResult] {
        let work = Work(lines)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<max(1, min(jobs, lines.count)) { group.addTask { try await Interruptible.thread { try work.runSome() } } }
            try await group.waitForAll()
        }
        return work.results
    }

    private static func run(_ line: TraceHashes.Line) throws -> RunResult {
        do {
            let source = try ScenarioSource(line.scenario, map: Simulate.usualMap, storage: line.storage, seconds: line.seconds)
            return source.run(line.seed, mutant: nil, keepsTimeline: false, sink: nil) { _ in true }
        } catch let error as SettingsError {
            throw CommandFailure.usage("simulate", "hashes", error.description)
        } catch let error as UnknownSetting {
            throw CommandFailure.usage("simulate", "hashes", error.description)
        }
    }
}
