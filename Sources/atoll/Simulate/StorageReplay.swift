import Foundation
import Storage
import StorageSimulation

/// The run of an event log of `atoll simulate storage` once more, step by step: what was asked of the log or the chunk store
/// or happened to its disk, behind the calls on the file system that it made.
struct StorageReplay {
    private struct Step {
        var calls: [Substring] = []
        var what: Substring = ""
    }

    /// Where it stops next.
    private enum Target {
        case next
        case find(String)
    }

    private static let shownCalls = 40

    private let expected: [Substring]
    private let count: Int?

    init(log: String, count: Int?) {
        expected = log.split(separator: "\n").filter { !$0.hasPrefix("# ") }
        self.count = count
    }

    func run(_ header: TraceHeader) throws {
        var lines: [String] = []
        let result = StorageRun.run(seed: header.seed, mutant: header.mutant.flatMap { StorageMutant(rawValue: $0) }) { lines.append($0) }
        step(through: lines)
        Terminal.line("the run has ended: \(result.violations.isEmpty ? "all held" : "\(result.violations.count) violated")")
        guard let place = zip(expected, lines).enumerated().first(where: { $0.element.0 != $0.element.1[...] }) else { return }
        Terminal.error("this build runs it otherwise from line \(place.offset + 1) on; the log says: \(place.element.0)")
        Terminal.error("and now: \(place.element.1)")
        throw CommandFailure("replay", "storage seed \(header.seed)", "the log is of another build", hint: "write it anew with this one")
    }

    private func step(through lines: [String]) {
        var step = Step()
        var target = Target.next
        var number = 0
        for line in lines {
            guard !line.hasPrefix("  ") else {
                step.calls.append(line.dropFirst(2))
                continue
            }
            step.what = line[...]
            number += 1
            defer { step = Step() }
            if case .find(let text) = target, !([step.what] + step.calls).contains(where: { $0.contains(text) }) { continue }
            show(step, number)
            if let count {
                if number >= count { return }
                continue
            }
            guard let next = ask() else { return }
            target = next
        }
    }

    private func show(_ step: Step, _ number: Int) {
        Terminal.line("#\(number) \(Terminal.escaped(String(step.what)))")
        for call in step.calls.prefix(Self.shownCalls) { Terminal.line("    \(Terminal.escaped(String(call)))") }
        if step.calls.count > Self.shownCalls { Terminal.line("    and \(step.calls.count - Self.shownCalls) more calls") }
    }

    private func ask() -> Target? {
        while true {
            if Terminal.errorIsTerminal { Terminal.errorPart("> ") }
            guard let line = readLine() else { return nil }
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            switch (words.first, words.count) {
            case (nil, _), ("next"?, 1): return .next
            case ("find"?, 2): return .find(words[1])
            case ("quit"?, 1): return nil
            default: Terminal.error("not known: \(Terminal.escaped(line)); next, find TEXT, quit")
            }
        }
    }
}
