import Foundation
import Simulation

/// Shows steps and asks where to go. Used by one thread.
final class ReplayStepper: @unchecked Sendable {
    private let verb: ReplayVerb
    private var left: Int
    private var expected: ArraySlice<Substring>
    /// The log says otherwise.
    private(set) var differs = false

    init(_ verb: ReplayVerb, log: String) {
        self.verb = verb
        left = verb.count ?? .max
        expected = log.split(separator: "\n", omittingEmptySubsequences: false)[...]
        expected = expected.drop { $0.hasPrefix("# ") }
    }

    func run(_ scenario: Scenario, seed: UInt64, mutant: Mutant?, storage: @escaping WorldStorageMaker) {
        let first: ReplayTarget = verb.from > 0 ? .time(verb.from * 1_000_000) : usual
        let replay = Replay(first) { [self] step, state in show(step, state) }
        let result = Simulation.replay(scenario, seed: seed, mutant: mutant, storage: storage, replay) { [self] line in compare(line) }
        if !replay.isStopped {
            Terminal.line("the run has ended: \(result.violations.isEmpty ? "all held" : "\(result.violations.count) violated")")
        }
    }

    private var usual: ReplayTarget { verb.changes ? .change(node: verb.node) : .event(node: verb.node) }

    private func compare(_ line: String) {
        guard !differs, let next = expected.popFirst(), next != line else { return }
        differs = true
        Terminal.error("this build runs it otherwise from here on; the log says: \(next)")
        Terminal.error("and now: \(line)")
    }

    private func show(_ step: ReplayStep, _ state: (Int) -> [String]) -> ReplayTarget? {
        let milliseconds = Show.figure(Double(step.time) / 1e6)
        Terminal.line("#\(step.number) at \(milliseconds) ms, node \(step.node): \(Terminal.escaped(step.event))")
        for change in step.changes { Terminal.line("    \(Terminal.escaped(change))") }
        for effect in step.effects { Terminal.line("    => \(Terminal.escaped(effect))") }
        guard verb.count == nil else {
            left -= 1
            return left > 0 ? usual : nil
        }
        return ask(state)
    }

    private func ask(_ state: (Int) -> [String]) -> ReplayTarget? {
        while true {
            if Terminal.errorIsTerminal { Terminal.errorPart("> ") }
            guard let line = readLine() else { return nil }
            let words = line.split(separator: " ").map(String.init)
            let number = words.count > 1 ? Int64(words[1]) : nil
            switch (words.first, number) {
            case (nil, _): return usual
            case ("next"?, _): return .event(node: nil)
            case ("node"?, let number?): return .event(node: Int(number))
            case ("change"?, let number): return .change(node: number.map { Int($0) })
            case ("at"?, let number?): return .time(number * 1_000_000)
            case ("state"?, let number?): for line in state(Int(clamping: number)) { Terminal.line(line) }
            case ("quit"?, _): return nil
            default: Terminal.error("not known: \(Terminal.escaped(line)); next, node N, change [N], at MS, state N, quit")
            }
        }
    }
}
