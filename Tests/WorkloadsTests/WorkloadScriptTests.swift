import Filesystem
import Foundation
import Primitives
import TestSupport
import Testing
import Workloads

/// Runs the scripts of cursors: a workload is described, a part of it is carried out against a
/// responder that grants everything, and the steps are printed.
@Suite struct WorkloadScriptTests {
    @Test(arguments: Script.files()) func script(file: URL) throws {
        var bench = Bench()
        let differences = try Script.run(file) { try bench.handle($0) }
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}

struct Bench {
    var workload = Workload(name: "w", title: "", imitates: "", seed: 1, mix: [])
    var inventory = InputInventory()

    mutating func handle(_ command: ScriptCommand) throws -> String {
        switch command.name {
        case "workload":
            workload.mix = try command.list("mix").map { word in
                let parts = word.split(separator: ":").map(String.init)
                guard let operation = WorkloadOperation(rawValue: parts[0]) else {
                    throw ScriptError(file: command.file, line: command.line, reason: "no operation \(parts[0])")
                }
                return Workload.Mix(operation: operation, cold: Int(parts[1]) ?? 1, warm: parts.count > 2 ? Int(parts[2]) ?? 0 : 0)
            }
            workload.repetitions = try command.integer("repetitions", default: 3)
            workload.inputs.records = try command.integer("records", default: 0)
            workload.inputs.treeFiles = try command.integer("tree", default: 0)
            workload.inputs.largeFiles = try command.integer("large", default: 0)
            workload.inputs.checkpointSize = 2 << 20
            workload.inputs.edits = 2
            workload.limits.cold = .milliseconds(try command.integer("cold_ms", default: 60_000))
            inventory.tree = (0..<workload.inputs.treeFiles).map { InputFile(name: "d\($0 % 2)/f\($0)", size: UInt64(100 + $0)) }
            inventory.large = (0..<workload.inputs.largeFiles).map { InputFile(name: "l\($0)", size: 3 << 20) }
            return "\(workload.mix.count) lines"
        case "prepare": return try run(command, .prepare)
        case "cell": return try run(command, .cell(repetition: try command.integer("repetition", default: 0)))
        default: throw ScriptError(file: command.file, line: command.line, reason: "no command \(command.name)")
        }
    }

    private func run(_ command: ScriptCommand, _ part: WorkloadTask.Part) throws -> String {
        let kind: FilesystemKind = command.value("kind") == "volume" ? .volume : .nfs
        let task = WorkloadTask(kind: kind, region: RegionID(command.value("region") ?? "east"), part: part)
        let put = WorkloadCursor.PutCounts(tree: inventory.tree.count, large: inventory.large.count)
        var cursor = WorkloadCursor(workload, task: task, inventory: inventory, put: put)
        var responder = Responder(fails: command.list("fail"))
        let took = Duration.milliseconds(try command.integer("took_ms", default: 1))
        var out: [String] = []
        var now = Instant.zero
        for _ in 0..<10_000 {
            let step = cursor.next(now: now)
            if step == .finished { break }
            out.append(Self.describe(step))
            now = now + took
            let result = responder.answer(step)
            if case .failed(let failure) = result { out[out.count - 1] += "  -> \(failure.code)" }
            cursor.complete(result, took: took, now: now)
            for sample in cursor.takeSamples() {
                let failure = sample.failure.map { " failed: \($0.code)" } ?? ""
                out.append(
                    "    = \(sample.operation.rawValue) \(sample.cache) \(sample.latency.inNanoseconds / 1_000_000) ms, read "
                        + "\(sample.bytesRead), wrote \(sample.bytesWritten)\(failure)"
                )
            }
        }
        if let failure = cursor.gaveUp { out.append("gave up: \(failure)") }
        return out.joined(separator: "\n")
    }

    static func describe(_ step: WorkloadStep) -> String {
        switch step {
        case .openSession: return "open session"
        case .closeSession: return "close session"
        case .finished: return "finished"
        case .pause(let span): return "pause \(span)"
        case .perform(let operation, let payload):
            let bytes = payload.map { " <- \(describe($0))" } ?? ""
            return describe(operation) + bytes
        }
    }

    private static func describe(_ payload: Payload) -> String {
        switch payload {
        case .tree(let index, let offset, let length): "tree \(index) [\(offset), \(length)]"
        case .large(let index, let salt, let offset, let length): "large \(index)\(salt == 0 ? "" : " salted") [\(offset), \(length)]"
        case .revised(let index, _, let offset, let length): "revised \(index) [\(offset), \(length)]"
        case .record(_, let length): "record [\(length)]"
        }
    }

    private static func describe(_ operation: FileOperation) -> String {
        switch operation {
        case .stat(let path, _): "stat \(path)"
        case .list(let path, let cookie, _): "list \(path) \(cookie)"
        case .open(let path, .read): "open \(path) read"
        case .open(let path, .write): "open \(path) write"
        case .open(let path, .create): "open \(path) create"
        case .open(let path, .replace): "open \(path) replace"
        case .read(let handle, let offset, let length): "read #\(handle.rawValue) \(offset) \(length)"
        case .write(let handle, let offset): "write #\(handle.rawValue) \(offset)"
        case .sync(let handle): "sync #\(handle.rawValue)"
        case .close(let handle, let abandon): "close #\(handle.rawValue)\(abandon ? " abandon" : "")"
        case .makeDirectory(let path, _, _): "mkdir \(path)"
        case .rename(let from, let to, _): "rename \(from) \(to)"
        case .remove(let path, _): "remove \(path)"
        case .lock(let handle, _, _, _): "lock #\(handle.rawValue)"
        case .unlock(let handle, _): "unlock #\(handle.rawValue)"
        case .commit(let options): "commit\(options.ifUnchanged ? " if unchanged" : "")\(options.wait == .all ? ", all regions" : "")"
        case .reload(let mode, let discard): "reload \(mode)\(discard ? " discard" : "")"
        default: "\(operation)"
        }
    }
}
