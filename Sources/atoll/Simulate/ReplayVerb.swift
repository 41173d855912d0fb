import ArgumentParser
import Comparison
import Foundation
import Primitives
import Simulation
import Synchronization
import Workloads

/// `atoll replay`: the run of an event log once more, event by event.
struct ReplayVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Step through a simulated run and see what each event changed in a node's state.",
        discussion: """
            FILE is what `atoll simulate SCENARIO --seed N --trace FILE` wrote. The seed is run again; where this build \
            does something else than the log says, that is told. Commands, a line each: an empty line or `next` goes to \
            the next event, `node N` to the next one of that node, `change` or `change N` to the next that changes a \
            state, `at MS` to a time, `state N` prints a node's whole state, `quit` ends. Of a log of `simulate storage` the \
            steps are what was asked of the storage, each with its calls on the file system; `next` and `quit` step through \
            it, and `find TEXT` goes to the next step that tells of something.
            """)

    @Argument(help: "The event log.")
    var file: String
    @Option(help: "Begin at this time of the run, in milliseconds.")
    var from: Int64 = 0
    @Option(help: "Only events of this node, by number.")
    var node: Int?
    @Flag(help: "Only events that change the state.")
    var changes = false
    @Option(help: "Print so many events and end, rather than ask after each.")
    var count: Int?

    func validate() throws {
        guard from >= 0, from <= 1 << 40 else { throw ValidationError("--from \(from): give milliseconds, 0 or more") }
        if let node, node < 1 { throw ValidationError("--node \(node): node numbers begin at 1") }
        if let count, count < 1 { throw ValidationError("--count \(count): give 1 or more") }
    }

    func run() async throws {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandFailure("replay", file, "it cannot be read", hint: "write one: atoll simulate SCENARIO --seed N --trace FILE")
        }
        let text = String(decoding: data, as: UTF8.self)
        let header = try TraceHeader(lines: text.split(separator: "\n", omittingEmptySubsequences: false), path: file)
        let source: ScenarioSource
        do {
            source = try ScenarioSource(
                header.scenario, map: header.map, storage: header.storage.flatMap { WorldOptions.StorageKind(rawValue: $0) })
        } catch let error as SettingsError {
            throw CommandFailure("replay", file, error.description)
        } catch let error as UnknownSetting {
            throw CommandFailure("replay", file, error.description)
        }
        let mutant = header.mutant.flatMap { Mutant(rawValue: $0) }
        guard !source.isStorage else {
            guard from == 0, node == nil, !changes else {
                throw CommandFailure.usage(
                    "replay", file, "it is of the storage alone: there is no time, and there are no nodes",
                    hint: "leave out all but --count")
            }
            try StorageReplay(log: text, count: count).run(header)
            return
        }
        let scenario = source.scenario(header.seed, mutant: header.mutant)
        let maker = source.maker(mutant: header.mutant)
        guard !scenario.gossipOnly else {
            throw CommandFailure(
                "replay", file, "\(scenario.name) runs gossip alone", hint: "read the log itself; there are no nodes to step through")
        }
        let stepper = ReplayStepper(self, log: text)
        // On a thread of its own: it waits for input.
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let thread = Thread {
                stepper.run(scenario, seed: header.seed, mutant: mutant, storage: maker)
                continuation.resume()
            }
            thread.stackSize = 64 << 20
            thread.start()
        }
        if stepper.differs { throw ExitCode(1) }
    }
}
