import Primitives
import Replication
import Testing

@Suite struct TableTests {
    /// Against a plain sorted array.
    @Test func orderedTableAgreesWithAnArray() {
        var generator = SeededGenerator(seed: 11)
        var table = OrderedTable<Int, Int>()
        var model: [(key: Int, value: Int)] = []
        for step in 0..<8_000 {
            let key = generator.below(1_500)
            let slot = model.firstIndex { $0.key >= key } ?? model.count
            let isThere = slot < model.count && model[slot].key == key
            switch generator.below(5) {
            case 0:
                #expect(table.remove(key) == (isThere ? model[slot].value : nil))
                if isThere { model.remove(at: slot) }
            case 1:
                let seen = table.update(key) { value in
                    value += 1
                    return value
                }
                if isThere { model[slot].value += 1 }
                #expect(seen == (isThere ? model[slot].value : nil))
            default:
                #expect(table.insert(key, step) == (isThere ? model[slot].value : nil))
                if isThere { model[slot].value = step } else { model.insert((key, step), at: slot) }
            }
            #expect(table.count == model.count)
        }
        #expect(table.keys == model.map(\.key))
        #expect(table.values == model.map(\.value))
        #expect(table.first?.key == model.first?.key && table.last?.key == model.last?.key)
        for key in [-1, 0, 700, 1_499, 5_000] {
            #expect(table.entries(from: key).map(\.key) == model.map(\.key).filter { $0 >= key })
        }
        let copy = table
        _ = table.removeFirst()
        #expect(copy.count == table.count + 1 && copy != table)
    }

    @Test func ascendingKeysFillTheirLeaves() {
        var table = OrderedTable<Int, Int>()
        for key in 0..<10_000 { table[key] = key }
        #expect(table.map(\.value) == Array(0..<10_000))
    }
}

@Suite struct ClientTableTests {
    private func stamp(_ client: UInt64, _ sequence: UInt64, acknowledged: UInt64 = 0, opened: UInt64 = 0) -> ClientStamp {
        ClientStamp(client: ClientID(high: 0, low: client), sequence: sequence, acknowledged: acknowledged, opened: opened)
    }
    private let noon = WallTime(nanoseconds: 1_000_000_000_000)

    /// Clients that pipeline, lose answers, repeat and reorder: everything takes effect once, and
    /// every repetition is given the first answer.
    @Test(arguments: 1...20) func proposalsTakeEffectOnce(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var table = ClientTable()
        var applied: [UInt64: [UInt64: [UInt8]]] = [:]
        var acknowledged: [UInt64: UInt64] = [:]
        var index: UInt64 = 0
        for _ in 0..<600 {
            index += 1
            let client = UInt64(generator.below(5))
            let floor = acknowledged[client] ?? 0
            let sequence = floor + 1 + UInt64(generator.below(8))
            let stamp = stamp(client, sequence, acknowledged: floor == 0 ? 0 : floor)
            switch table.admit(stamp, index: index, at: noon) {
            case .fresh:
                #expect(applied[client]?[sequence] == nil, "applied twice")
                let result: [UInt8] = [UInt8(truncatingIfNeeded: index), UInt8(truncatingIfNeeded: index >> 8)]
                applied[client, default: [:]][sequence] = result
                table.record(stamp, result: result)
            case .duplicate(let bytes): #expect(applied[client]?[sequence] == bytes)
            case .stale, .expired, .tooFarAhead: Issue.record("unexpected")
            }
            // The client has seen the answers of an unbroken run, sometimes.
            while generator.below(3) == 0, applied[client]?[(acknowledged[client] ?? 0) + 1] != nil {
                acknowledged[client, default: 0] += 1
            }
            table.checkInvariants()
            if index % 50 == 0 { table = try ClientTable(xdr: table.xdrBytes) }
        }
    }

    @Test func anEvictedSessionDoesNotComeBack() {
        var limits = ClientTableLimits()
        limits.sessions = 2
        var table = ClientTable(limits: limits)
        for client in 1...3 as ClosedRange<UInt64> {
            let stamp = stamp(client, 1, opened: client - 1)
            #expect(table.admit(stamp, index: client, at: noon) == .fresh)
            table.record(stamp, result: [])
        }
        #expect(table.count == 2 && table.horizon == 1)
        // Client 1 sends its first proposal again: it must not take effect twice.
        #expect(table.admit(stamp(1, 1, opened: 0), index: 4, at: noon) == .expired(horizon: 1))
        #expect(table.admit(stamp(4, 1, opened: 3), index: 5, at: noon) == .fresh)
        table.checkInvariants()
    }

    @Test func idleSessionsEndByTheTimeInTheLog() {
        var table = ClientTable()
        let first = stamp(1, 1)
        #expect(table.admit(first, index: 1, at: noon) == .fresh)
        table.record(first, result: [1])
        let later = WallTime(nanoseconds: noon.nanoseconds + 3_601 * 1_000_000_000)
        #expect(table.admit(stamp(2, 1, opened: 1), index: 2, at: later) == .fresh)
        #expect(table.count == 1)
        #expect(table.admit(first, index: 3, at: later) == .expired(horizon: 1))
    }

    @Test func boundsHold() {
        var limits = ClientTableLimits()
        limits.window = 4
        limits.resultBytes = 100
        var table = ClientTable(limits: limits)
        for sequence in 1...4 as ClosedRange<UInt64> {
            let stamp = stamp(1, sequence)
            #expect(table.admit(stamp, index: sequence, at: noon) == .fresh)
            table.record(stamp, result: Array(repeating: 0, count: 20))
        }
        #expect(table.admit(stamp(1, 5), index: 5, at: noon) == .tooFarAhead(window: 4))
        let next = stamp(1, 5, acknowledged: 2)
        #expect(table.admit(next, index: 6, at: noon) == .fresh)
        table.record(next, result: Array(repeating: 0, count: 20))
        #expect(table.admit(stamp(1, 2), index: 7, at: noon) == .stale)
        #expect(table.resultBytes == 60)
        let big = stamp(2, 1, opened: 7)
        #expect(table.admit(big, index: 8, at: noon) == .fresh)
        table.record(big, result: Array(repeating: 0, count: 90))
        #expect(table.count == 1 && table.resultBytes == 90, "the idle client made room")
        table.checkInvariants()
    }
}
