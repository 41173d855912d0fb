import Foundation
import Synchronization

/// Bytes, rate and remaining time of long work, on a terminal's standard error only.
final class Progress: Sendable {
    private struct State {
        var done: UInt64 = 0
        var shown = ContinuousClock.now
        var isVisible = false
    }

    private let label: String
    private let total: UInt64?
    private let began = ContinuousClock.now
    private let state = Mutex(State())

    init(_ label: String, total: UInt64?) {
        self.label = label
        self.total = total
    }

    func add(_ bytes: Int) {
        let line: String? = state.withLock { state in
            state.done += UInt64(bytes)
            let now = ContinuousClock.now
            guard Terminal.errorIsTerminal, now - state.shown > .milliseconds(100), now - began > .milliseconds(500) else { return nil }
            state.shown = now
            state.isVisible = true
            return text(state.done, now - began)
        }
        if let line { Terminal.errorPart("\r\u{1b}[K\(line)") }
    }

    /// Takes the line away.
    func end() {
        if state.withLock({ $0.isVisible }) { Terminal.errorPart("\r\u{1b}[K") }
    }

    var done: UInt64 { state.withLock { $0.done } }
    var seconds: Double { Double((ContinuousClock.now - began).inNanosecondsForDisplay) / 1e9 }

    private func text(_ done: UInt64, _ elapsed: Duration) -> String {
        let seconds = Double(elapsed.inNanosecondsForDisplay) / 1e9
        let rate = Double(done) / max(seconds, 0.001)
        var text = "\(label)  \(Show.bytes(done))"
        if let total, total > 0 {
            text += " of \(Show.bytes(total)) (\(min(100, done * 100 / total)) %)"
        }
        text += "  \(Show.bytes(UInt64(rate)))/s"
        if let total, total > done, rate > 0 { text += "  \(Int(Double(total - done) / rate) + 1) s left" }
        return text
    }
}

extension Duration {
    fileprivate var inNanosecondsForDisplay: Int64 {
        components.seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue + components.attoseconds / 1_000_000_000
    }
}
