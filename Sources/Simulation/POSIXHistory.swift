import Primitives

/// Something that carries out calls: the namespace itself, or a cluster.
protocol POSIXBackend {
    /// Nil where the answer says nothing: the call may have happened or not.
    mutating func perform(_ call: POSIXCall) -> POSIXAnswer?
}

/// A random history of calls, held against the model step by step.
package struct POSIXHistory: Sendable {
    package private(set) var calls: [POSIXCall] = []

    /// A call whose answer the model does not allow.
    package struct Difference: Sendable, CustomStringConvertible {
        package let step: Int
        package let call: POSIXCall
        package let expected: POSIXExpectation
        package let found: POSIXAnswer
        package var description: String { "step \(step + 1), \(call): \(found), expected \(expected)" }
    }

    init(_ calls: [POSIXCall]) { self.calls = calls }

    /// Draws `count` calls of so many clients. Few names, so that calls meet; `holds`: files are kept open too.
    package init(seed: UInt64, count: Int, clients: Int, holds: Bool) {
        var draw = POSIXDraw(seed: seed, holds: holds)
        for _ in 0..<count { calls.append(draw.call(client: draw.chance.below(clients), number: calls.count)) }
    }

    /// The first difference; calls that make no sense at their place are left out.
    func check(_ backend: inout some POSIXBackend) -> Difference? {
        var model = POSIXModel()
        for (step, call) in calls.enumerated() {
            guard model.makesSense(call) else { continue }
            guard let found = backend.perform(call) else { return nil }
            let expected = model.perform(call)
            guard expected.allows(found) else { return Difference(step: step, call: call, expected: expected, found: found) }
        }
        return nil
    }

    /// The shortest history that still differs which leaving out finds (Zeller and Hildebrandt, "Simplifying and
    /// isolating failure-inducing input", TSE 2002): parts are left out, half of it first, single calls last.
    func shrunk(runs limit: Int, _ differs: (POSIXHistory) -> Bool) -> POSIXHistory {
        var best = self
        var width = max(1, calls.count / 2)
        var runs = 0
        while true {
            var start = 0
            var hasShrunk = false
            while start < best.calls.count, runs < limit {
                var fewer = best.calls
                fewer.removeSubrange(start..<min(start + width, fewer.count))
                runs += 1
                if !fewer.isEmpty, differs(POSIXHistory(fewer)) {
                    best = POSIXHistory(fewer)
                    hasShrunk = true
                } else {
                    start += width
                }
            }
            if width == 1, !hasShrunk || runs >= limit { return best }
            if !hasShrunk || width > 1 { width = max(1, width / 2) }
        }
    }

    package var text: String { calls.map(\.description).joined(separator: "\n") }
}

/// A history that differs, and the shortest one found.
package struct POSIXFailure: Sendable, CustomStringConvertible {
    package let seed: UInt64
    package let difference: POSIXHistory.Difference
    package let shrunk: POSIXHistory
    package var description: String {
        "seed \(seed): \(difference)\nthe shortest history that shows it:\n\(shrunk.text)"
    }
}

struct POSIXDraw {
    var chance: SeededGenerator
    let holds: Bool
    private static let names = ["a", "b", "c"]

    init(seed: UInt64, holds: Bool) {
        chance = SeededGenerator(seed: SeededGenerator.mix(seed) ^ 0x706F_7369)
        self.holds = holds
    }

    private mutating func path() -> String {
        let depth = [1, 1, 2, 2, 3][chance.below(5)]
        return "/" + (0..<depth).map { _ in Self.names[chance.below(Self.names.count)] }.joined(separator: "/")
    }

    private mutating func target() -> String { chance.below(2) == 0 ? path() : Self.names[chance.below(Self.names.count)] }

    mutating func call(client: Int, number: Int) -> POSIXCall {
        POSIXCall(client: client, kind: kind(tag: UInt64(number + 1) << 32))
    }

    private mutating func kind(tag: UInt64) -> POSIXCall.Kind {
        let size = [10, 200, 3_000, 6_000][chance.below(4)]
        switch chance.below(holds ? 46 : 40) {
        case 0...3: return .create(path(), exclusive: chance.below(2) == 0)
        case 4...8: return .write(path(), at: chance.below(3) == 0 ? nil : chance.below(size), length: 1 + chance.below(size), tag: tag)
        case 9...12: return .read(path())
        case 13, 14: return .truncate(path(), chance.below(size * 2))
        case 15...17: return .makeDirectory(path())
        case 18...20: return .remove(path())
        case 21...24: return .rename(path(), path(), noReplace: chance.below(4) == 0)
        case 25, 26: return .link(path(), path())
        case 27, 28: return .symlink(target: target(), path())
        case 29: return .readLink(path())
        case 30...32: return .stat(path(), follow: chance.below(2) == 0)
        case 33, 34: return .list(chance.below(3) == 0 ? "/" : path())
        case 35: return .setMode(path(), UInt32([0o600, 0o644, 0o755, 0o400][chance.below(4)]))
        case 36: return .setModified(path(), Int64(1 + chance.below(1_000)) * 1_000_000_000)
        case 37: return .setXattr(path(), "user.\(chance.below(2))", tag)
        case 38: return chance.below(2) == 0 ? .getXattr(path(), "user.\(chance.below(2))") : .listXattrs(path())
        case 39: return .removeXattr(path(), "user.\(chance.below(2))")
        case 40, 41: return .hold(path(), slot: chance.below(3))
        case 42, 43: return .readHeld(chance.below(3))
        case 44: return .writeHeld(chance.below(3), at: chance.below(size), length: 1 + chance.below(size), tag: tag)
        default: return .release(chance.below(3))
        }
    }
}
