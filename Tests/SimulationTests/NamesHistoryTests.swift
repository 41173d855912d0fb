import Filesystem
import Primitives
import Testing

@testable import Simulation

/// Groups of names: what orders explain what clients were told, checked as it grows.
@Suite struct NamesHistoryTests {
    private typealias Call = NamesOperation.Call
    private typealias Answer = NamesOperation.Answer

    private func operation(_ client: Int, _ call: Call, _ answer: Answer, _ began: Int64, _ ended: Int64?) -> NamesOperation {
        NamesOperation(client: client, call: call, answer: answer, began: began, ended: ended)
    }

    private func isLinearizable(_ operations: [NamesOperation]) -> Bool {
        var history = NamesHistory()
        for operation in operations { history.add(operation) }
        return history.advance(pendingSince: .max) == .linearizable
    }

    private func content(_ tag: UInt64, _ length: UInt64) -> Content { Content(Content(tag: tag, length: length).bytes) }

    private var made: [NamesOperation] {
        [
            operation(0, .create(.top(0)), .file(10, size: 0, links: 1), 0, 10),
            operation(0, .put(10, offset: 0, tag: 5, length: 16), .done, 20, 30),
        ]
    }

    @Test func aRenameMovesAFileInOneStep() {
        let moved =
            made + [
                operation(1, .create(.top(1)), .file(11, size: 0, links: 1), 32, 34),
                operation(0, .rename(.top(0), .top(1), noReplace: false), .done, 40, 60),
            ]
        #expect(isLinearizable(moved + [operation(1, .list, .names([0, 10, 0, 0]), 70, 80)]))
        // While it is under way both are as before, or it has happened.
        #expect(isLinearizable(moved + [operation(1, .list, .names([10, 11, 0, 0]), 45, 50)]))
        #expect(isLinearizable(moved + [operation(1, .list, .names([0, 10, 0, 0]), 45, 50)]))
        #expect(!isLinearizable(moved + [operation(1, .list, .names([10, 0, 0, 0]), 45, 50)]))
        #expect(!isLinearizable(moved + [operation(1, .list, .names([10, 11, 0, 0]), 70, 80)]))
        #expect(!isLinearizable(moved + [operation(1, .look(.top(1)), .refused(.notFound), 45, 50)]))
        #expect(!isLinearizable(made + [operation(0, .rename(.top(0), .top(1), noReplace: true), .refused(.exists), 40, 60)]))
    }

    /// A rename that changes nothing as things stand may have happened when it did change something.
    @Test func aRenameOfTwoNamesOfOneFileMayComeLater() {
        let linked = made + [operation(0, .link(10, .top(1)), .done, 31, 32)]
        #expect(
            isLinearizable(
                linked + [
                    operation(1, .rename(.top(1), .top(0), noReplace: false), .done, 40, 90),
                    operation(2, .unlink(.top(0)), .done, 50, 60), operation(2, .look(.top(1)), .refused(.notFound), 70, 80),
                ]))
    }

    @Test func writesLieWhereTheyWereMade() {
        let second = operation(1, .put(10, offset: 16, tag: 6, length: 8), .done, 40, 50)
        let both = Content((content(5, 16).bytes + content(6, 8).bytes))
        #expect(isLinearizable(made + [second, operation(0, .read(10, length: 100), .bytes(both), 60, 70)]))
        #expect(!isLinearizable(made + [second, operation(0, .read(10, length: 100), .bytes(content(5, 16)), 60, 70)]))
        // Two at one place: one of them is lost, whichever that is.
        let other = operation(2, .put(10, offset: 16, tag: 7, length: 8), .done, 42, 52)
        #expect(isLinearizable(made + [second, other, operation(0, .read(10, length: 100), .bytes(both), 60, 70)]))
        // Zeros where nothing was written.
        let far = operation(1, .put(10, offset: 24, tag: 6, length: 8), .done, 40, 50)
        let hole = Content(content(5, 16).bytes + [UInt8](repeating: 0, count: 8) + content(6, 8).bytes)
        #expect(isLinearizable(made + [far, operation(0, .read(10, length: 100), .bytes(hole), 60, 70)]))
        #expect(
            !isLinearizable(
                made + [operation(0, .resize(10, 8), .done, 40, 50), operation(1, .look(.top(0)), .file(10, size: 16, links: 1), 60, 70)]))
    }

    @Test func whatWasNotAnsweredMayHappenLateOrNever() {
        let lost = operation(1, .unlink(.top(0)), .unknown, 40, nil)
        let there = operation(0, .look(.top(0)), .file(10, size: 16, links: 1), 100, 110)
        let gone = operation(0, .look(.top(0)), .refused(.notFound), 120, 130)
        #expect(isLinearizable(made + [lost, there]))
        #expect(isLinearizable(made + [lost, there, gone]))
        #expect(!isLinearizable(made + [there, gone]))
        #expect(!isLinearizable(made + [lost, gone, operation(0, .look(.top(0)), .file(10, size: 16, links: 1), 140, 150)]))
    }

    @Test func directoriesGoWithWhatIsInThem() {
        let there: [NamesOperation] = [
            operation(0, .makeDirectory(0), .done, 0, 10), operation(0, .lookDirectory(0), .directory(20), 12, 14),
            operation(0, .create(.inside(20)), .file(21, size: 0, links: 1), 20, 30),
        ]
        #expect(isLinearizable(there + [operation(1, .removeDirectory(0), .refused(.notEmpty), 40, 50)]))
        #expect(!isLinearizable(there + [operation(1, .removeDirectory(0), .done, 40, 50)]))
        let moved = there + [operation(1, .renameDirectory(0, noReplace: false), .done, 40, 50)]
        #expect(isLinearizable(moved + [operation(0, .look(.inside(20)), .file(21, size: 0, links: 1), 60, 70)]))
        #expect(isLinearizable(moved + [operation(0, .list, .names([0, 0, 0, 20]), 60, 70)]))
        #expect(!isLinearizable(moved + [operation(0, .lookDirectory(0), .directory(20), 60, 70)]))
        // Nobody may be told of a file that is in no list, nor of one that nobody made.
        #expect(!isLinearizable(there + [operation(1, .listDirectory(20), .names([0]), 40, 50)]))
        #expect(!isLinearizable(there + [operation(1, .list, .names([9, 0, 20, 0]), 40, 50)]))
    }

    /// Clients of a plain model, one call at a random moment of its time: whatever they are told is explained, also when it is
    /// checked as it grows; and little is kept.
    @Test(arguments: 0..<30 as Range<UInt64>) func whatAModelTellsIsExplained(seed: UInt64) {
        var chance = SeededGenerator(seed: seed)
        var state = NamesState()
        var numbers: [UInt64] = [1]
        var calls: [(at: Int64, NamesOperation)] = []
        for round in 0..<300 as Range<Int64> {
            let at = round * 10
            let call = Self.call(&chance, numbers, tag: UInt64(round) + 1)
            let (answer, after) = state.told(call, making: UInt64(round) + 100)
            state = after
            // Some are not answered; what changes nothing then is not told at all.
            let isLost = chance.below(40) == 0
            if case .file(let number, _, _) = answer, !isLost { numbers.append(number) }
            if case .directory(let number) = answer, !isLost { numbers.append(number) }
            let began = at - Int64(chance.below(30))
            let ended = at + Int64(chance.below(30))
            let told = operation(Int(round), call, isLost ? .unknown : answer, began, isLost ? nil : ended)
            if isLost, told.onlyTells { continue }
            if case .refused = answer, isLost { continue }
            calls.append((ended, told))
        }
        calls.sort { $0.at < $1.at }
        var history = NamesHistory()
        var most = 0
        for (place, (_, told)) in calls.enumerated() {
            history.add(told)
            let pending = calls[(place + 1)...].map(\.1.began).min() ?? .max
            #expect(history.advance(pendingSince: pending) == .linearizable, "seed \(seed)")
            most = max(most, history.held)
        }
        #expect(most < 40)
    }

    private static func call(_ chance: inout SeededGenerator, _ numbers: [UInt64], tag: UInt64) -> Call {
        let number = numbers[max(0, numbers.count - 1 - chance.below(4))]
        let place: NamesPlace = chance.below(3) == 0 ? .inside(number) : .top(chance.below(2))
        let other: NamesPlace = chance.below(3) == 0 ? .inside(number) : .top(chance.below(2))
        switch chance.below(14) {
        case 0, 1: return .create(place)
        case 2: return .look(place)
        case 3: return .read(number, length: 100)
        case 4: return .put(number, offset: UInt64(chance.below(40)), tag: tag, length: UInt64(8 + chance.below(20)))
        case 5: return .resize(number, UInt64(chance.below(60)))
        case 6: return .rename(place, other, noReplace: chance.below(2) == 0)
        case 7: return .link(number, place)
        case 8: return .unlink(place)
        case 9: return .makeDirectory(chance.below(2))
        case 10: return .lookDirectory(chance.below(2))
        case 11: return .renameDirectory(chance.below(2), noReplace: false)
        case 12: return .list
        default: return .exchange(place, other)
        }
    }
}
