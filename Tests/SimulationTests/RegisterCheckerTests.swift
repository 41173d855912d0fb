import Primitives
import Testing

@testable import Simulation

@Suite struct RegisterCheckerTests {
    private func operation(_ kind: RegisterOperation.Kind, _ value: UInt64?, _ began: Int64, _ ended: Int64?) -> RegisterOperation {
        RegisterOperation(kind: kind, value: value, began: began, ended: ended)
    }

    private func isLinearizable(_ operations: [RegisterOperation]) -> Bool { RegisterChecker.check(operations) == .linearizable }

    @Test func readsSeeTheLatestWrite() {
        let writes = [operation(.write, 1, 0, 10), operation(.write, 2, 20, 30)]
        #expect(isLinearizable(writes + [operation(.read, 2, 40, 50)]))
        #expect(!isLinearizable(writes + [operation(.read, 1, 40, 50)]))
        // While the second write is under way either may be seen, but not back and forth.
        #expect(isLinearizable(writes + [operation(.read, 1, 21, 22), operation(.read, 2, 24, 25)]))
        #expect(!isLinearizable(writes + [operation(.read, 2, 21, 22), operation(.read, 1, 24, 25)]))
        #expect(!isLinearizable([operation(.read, nil, 40, 50)] + writes))
        #expect(isLinearizable([operation(.read, nil, 0, 5)] + writes))
    }

    @Test func whatWasNotAnsweredMayHappenLateOrNever() {
        let lost = operation(.write, 1, 0, nil)
        #expect(isLinearizable([lost, operation(.read, nil, 50, 60), operation(.read, 1, 70, 80)]))
        #expect(isLinearizable([lost, operation(.read, nil, 50, 60)]))
        #expect(!isLinearizable([lost, operation(.read, 1, 50, 60), operation(.read, nil, 70, 80)]))
    }

    @Test func filesAreMadeAndRemovedOnce() {
        let made = operation(.createNew, 1, 0, 10)
        #expect(!isLinearizable([made, operation(.createNew, 2, 20, 30)]))
        #expect(isLinearizable([made, operation(.foundExisting, nil, 20, 30)]))
        #expect(isLinearizable([made, operation(.remove, nil, 20, 30), operation(.createNew, 2, 40, 50)]))
        #expect(!isLinearizable([made, operation(.foundAbsent, nil, 20, 30)]))
        #expect(!isLinearizable([made, operation(.remove, nil, 20, 30), operation(.remove, nil, 40, 50)]))
    }

    private func random(_ chance: inout SeededGenerator, spread: Int) -> [RegisterOperation] {
        (0..<(2 + chance.below(6))).map { _ -> RegisterOperation in
            let began = Int64(chance.below(spread))
            let ended: Int64? = chance.below(5) == 0 ? nil : began + 1 + Int64(chance.below(20))
            switch chance.below(7) {
            case 0, 1: return operation(.write, UInt64(1 + chance.below(3)), began, ended)
            case 2: return operation(.createNew, UInt64(1 + chance.below(3)), began, ended)
            case 3: return operation(.remove, nil, began, ended)
            case 4: return operation(chance.below(2) == 0 ? .foundExisting : .foundAbsent, nil, began, ended ?? began + 5)
            default: return operation(.read, chance.below(4) == 0 ? nil : UInt64(1 + chance.below(3)), began, ended ?? began + 5)
            }
        }
    }

    /// Against trying all orders.
    @Test func itAgreesWithTryingAllOrders() {
        var chance = SeededGenerator(seed: 11)
        var counts = [0, 0]
        for _ in 0..<3_000 {
            let operations = random(&chance, spread: 30)
            let wanted = tryAll(operations, [], 0)
            counts[wanted ? 1 : 0] += 1
            #expect(isLinearizable(operations) == wanted, "\(operations)")
        }
        #expect(counts[0] > 100 && counts[1] > 100)
    }

    /// What was checked and dropped on the way makes no difference.
    @Test func itAgreesWhenItIsCheckedAsItGrows() {
        var chance = SeededGenerator(seed: 12)
        var counts = [0, 0]
        var dropped = 0
        for _ in 0..<4_000 {
            let operations = random(&chance, spread: 30 + chance.below(150))
            let wanted = tryAll(operations, [], 0)
            counts[wanted ? 1 : 0] += 1
            var history = RegisterHistory()
            var isFound = false
            // Those without an answer are told when their client gives up.
            let told = operations.map { ($0.ended ?? $0.began + 10, $0) }.sorted { $0.0 < $1.0 }
            for (index, (moment, operation)) in told.enumerated() {
                history.add(operation)
                let began = told[(index + 1)...].map { $0.1.began }.min() ?? .max
                if history.advance(pendingSince: min(began, moment)) != .linearizable { isFound = true }
            }
            dropped += told.count { $0.1.ended != nil } - history.answered.count
            let verdict = history.finish()
            #expect((verdict == .linearizable && !isFound) == wanted, "\(operations)")
        }
        #expect(counts[0] > 100 && counts[1] > 100 && dropped > 4_000)
    }

    @Test func aLongHistoryKeepsLittle() {
        var history = RegisterHistory()
        var most = 0
        for round in 0..<5_000 as Range<Int64> {
            let at = round * 100
            // Three at once, and now and then one that nobody answers.
            history.add(operation(.write, UInt64(round + 1), at, at + 30))
            history.add(operation(.read, round == 0 ? nil : UInt64(round), at, at + 40))
            history.add(operation(.read, UInt64(round + 1), at + 20, at + 50))
            if round % 500 == 7 { history.add(operation(.write, UInt64(round + 1_000_000), at + 60, nil)) }
            #expect(history.advance(pendingSince: at + 100) == .linearizable)
            most = max(most, history.answered.count + history.unanswered.count)
        }
        #expect(most <= 13)
        // Any of those without an answer may still come, but no value that was overwritten.
        var late = history
        late.add(operation(.read, 1_000_007, 600_000, 600_001))
        #expect(late.finish() == .linearizable)
        history.add(operation(.read, 4_000, 600_000, 600_001))
        #expect(history.finish() != .linearizable)
    }

    private func tryAll(_ operations: [RegisterOperation], _ done: [Int], _ value: UInt64) -> Bool {
        let left = operations.indices.filter { !done.contains($0) }
        if left.allSatisfy({ operations[$0].ended == nil }) { return true }
        for next in left {
            // Nothing that is left may have ended before this one began.
            guard left.allSatisfy({ $0 == next || operations[$0].ended.map { $0 >= operations[next].began } ?? true }) else { continue }
            let operation = operations[next]
            let after: UInt64?
            switch operation.kind {
            case .read: after = operation.value ?? 0 == value ? value : nil
            case .write: after = operation.value
            case .createNew: after = value == 0 ? operation.value : nil
            case .remove: after = value != 0 ? 0 : nil
            case .foundExisting: after = value != 0 ? value : nil
            case .foundAbsent: after = value == 0 ? 0 : nil
            }
            if let after, tryAll(operations, done + [next], after) { return true }
        }
        return false
    }
}
