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

    /// Against trying all orders.
    @Test func itAgreesWithTryingAllOrders() {
        var chance = SeededGenerator(seed: 11)
        var counts = [0, 0]
        for _ in 0..<3_000 {
            let operations = (0..<(2 + chance.below(5))).map { _ -> RegisterOperation in
                let began = Int64(chance.below(30))
                let ended: Int64? = chance.below(5) == 0 ? nil : began + 1 + Int64(chance.below(20))
                switch chance.below(5) {
                case 0, 1: return operation(.write, UInt64(1 + chance.below(3)), began, ended)
                case 2: return operation(.createNew, UInt64(1 + chance.below(3)), began, ended)
                case 3: return operation(.remove, nil, began, ended)
                default: return operation(.read, chance.below(4) == 0 ? nil : UInt64(1 + chance.below(3)), began, ended ?? began + 5)
                }
            }
            let wanted = tryAll(operations, [], 0)
            counts[wanted ? 1 : 0] += 1
            #expect(isLinearizable(operations) == wanted, "\(operations)")
        }
        #expect(counts[0] > 100 && counts[1] > 100)
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
