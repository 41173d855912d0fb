import Primitives
import Testing

@Suite struct SortedMapTests {
    /// Random histories against a sorted array: contents, answers, invariants; snapshots taken on the
    /// way must not change.
    @Test(arguments: 0..<12) func behavesAsASortedArray(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        // Few keys give many replacements and removals, many keys give high trees.
        let keys = [40, 400, 4_000][Int(seed % 3)]
        var map = TestMap(salt: seed % 2)
        var model = ModelMap()
        var snapshots: [(TestMap, ModelMap)] = []
        for step in 0..<1_500 {
            let key = UInt32(generator.below(keys))
            switch generator.below(20) {
            case 0..<11:
                let value = TestValue(UInt32(generator.below(5)))
                #expect(map.updateValue(value, forKey: TestKey(key)) == model.set(key, value))
            case 11..<18: #expect(map.removeValue(forKey: TestKey(key)) == model.remove(key))
            case 18:
                let width = UInt32(generator.below(keys / 4) + 1)
                #expect(map.removeRange(from: TestKey(key), to: TestKey(key + width)) == model.removeRange(key..<key + width))
            default: if snapshots.count < 8 { snapshots.append((map, model)) }
            }
            #expect(map[TestKey(key)] == model[key])
            if step % 100 == 0 {
                map.checkInvariants()
                checkAnswers(map, model, around: key)
            }
        }
        #expect(model.isEqual(to: map))
        map.checkInvariants()
        for (snapshot, model) in snapshots {
            #expect(model.isEqual(to: snapshot))
            snapshot.checkInvariants()
        }
    }

    private func checkAnswers(_ map: TestMap, _ model: ModelMap, around key: UInt32) {
        #expect(model.isEqual(to: map))
        #expect(map.first?.key.value == model.entries.first?.key)
        #expect(map.last?.key.value == model.entries.last?.key)
        let index = model.index(key)
        #expect(map.first(from: TestKey(key))?.key.value == (index < model.entries.count ? model.entries[index].key : nil))
        #expect(map.last(before: TestKey(key))?.key.value == (index > 0 ? model.entries[index - 1].key : nil))
        var seen: [UInt32] = []
        map.forEach(from: TestKey(key), to: TestKey(key + 50)) { key, _ in
            seen.append(key.value)
            return seen.count < 10
        }
        #expect(seen == Array(model.entries[index...].prefix { $0.key < key + 50 }.map(\.key).prefix(10)))
    }

    /// The pages depend on the keys alone: inserted upwards, downwards, shuffled with detours, or built.
    @Test(arguments: [0, 1, 2, 31, 33, 1_000, 5_000]) func shapeDoesNotDependOnHistory(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        let keys = (0..<UInt32(count)).map { $0 * 3 }
        let built = TestMap(sorted: keys.map { (key: TestKey($0), value: TestValue($0)) })
        built.checkInvariants()
        var upwards = TestMap()
        for key in keys { upwards.updateValue(TestValue(key), forKey: TestKey(key)) }
        var detours = TestMap()
        for key in keys.shuffled(using: &generator) {
            detours.updateValue(TestValue(9), forKey: TestKey(key))
            detours.updateValue(TestValue(1), forKey: TestKey(key + 1))
            detours.updateValue(TestValue(key, history: 1), forKey: TestKey(key))
        }
        for key in keys.shuffled(using: &generator) { detours.removeValue(forKey: TestKey(key + 1)) }
        var cut = TestMap(sorted: (0..<UInt32(count * 6)).map { (key: TestKey($0 < count * 3 ? $0 : $0), value: TestValue($0)) })
        cut.removeRange(from: TestKey(UInt32(count * 3)), to: TestKey(.max))
        for key in 0..<UInt32(count * 3) where key % 3 != 0 { cut.removeValue(forKey: TestKey(key)) }
        for other in [upwards, detours, cut] {
            #expect(shape(other.root) == shape(built.root))
            #expect(other.digest.content == built.digest.content)
        }
        #expect(upwards.digest == built.digest)
        #expect(count == 0 || detours.digest.volatile != built.digest.volatile)
    }

    @Test func digestsTellContentsApart() {
        var map = TestMap(sorted: (0..<1_000).map { (key: TestKey($0), value: TestValue($0)) })
        let before = map.digest
        var other = map
        other.updateValue(TestValue(7), forKey: TestKey(500))
        #expect(other.digest != before)
        #expect(map.digest == before)
        other.updateValue(TestValue(500), forKey: TestKey(500))
        #expect(other.digest == before)
        map.removeValue(forKey: TestKey(999))
        #expect(map.digest != before)
        // Another salt is another shape, hence another digest of the same contents.
        let salted = TestMap(sorted: (0..<1_000).map { (key: TestKey($0), value: TestValue($0)) }, salt: 99)
        #expect(salted.digest.content != before.content)
    }

    /// The digest that the format promises, so that another implementation can agree.
    @Test func digestIsStable() {
        #expect(TestMap().digest.content == SHA256.hash([0, 0, 0, 0, 0, 0, 0, 0]))
        let map = TestMap(sorted: [(key: TestKey(1), value: TestValue(2))])
        let isLeaf = map.root.height == 0
        #expect(isLeaf && map.digest.content == SHA256.hash([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2]))
    }

    @Test(arguments: 0..<8) func differencesAreExact(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let size = [30, 300, 3_000][Int(seed % 3)]
        var old = TestMap(salt: seed)
        for _ in 0..<size { old.updateValue(TestValue(UInt32(generator.below(3))), forKey: TestKey(UInt32(generator.below(size)))) }
        var new = old
        for _ in 0..<generator.below(40) + 1 {
            let key = TestKey(UInt32(generator.below(size + 10)))
            if generator.below(3) == 0 {
                new.removeValue(forKey: key)
            } else {
                new.updateValue(TestValue(UInt32(generator.below(4))), forKey: key)
            }
        }
        // Also against a map that shares no page, with and without digests.
        let stranger = TestMap(sorted: new.map { (key: $0.key, value: $0.value) }, salt: seed)
        let other = TestMap(sorted: new.map { (key: $0.key, value: $0.value) }, salt: seed + 1)
        let expected = difference(old, new)
        #expect(list(new.differences(from: old)) == expected)
        #expect(list(stranger.differences(from: old)) == expected)
        #expect(list(other.differences(from: old)) == expected, "another salt, hence another shape")
        #expect(list(old.differences(from: new)).count == expected.count)
        _ = (old.digest, new.digest, stranger.digest)
        #expect(list(new.differences(from: old)) == expected)
        var skipping = stranger.differences(from: new)
        #expect(skipping.next() == nil)
        #expect(skipping.pagesOpened == 0, "equal digests need no look")
    }

    private func list(_ differences: TestMap.Differences) -> [String] {
        differences.map { "\($0.key.value):\($0.old?.content ?? 99)>\($0.new?.content ?? 99)" }
    }

    private func difference(_ old: TestMap, _ new: TestMap) -> [String] {
        var out: [String] = []
        for key in (old.map(\.key) + new.map(\.key)).sorted() {
            let line = "\(key.value):\(old[key]?.content ?? 99)>\(new[key]?.content ?? 99)"
            if old[key] != new[key], out.last != line { out.append(line) }
        }
        return out
    }

    /// The cost of a difference follows what changed and not what there is.
    @Test func differencesCostWhatChanged() {
        let old = TestMap(sorted: (0..<20_000).map { (key: TestKey($0), value: TestValue($0)) })
        var new = old
        for key in stride(from: 0, to: 20_000, by: 5_000) { new.updateValue(TestValue(0, history: 7), forKey: TestKey(UInt32(key))) }
        var differences = new.differences(from: old)
        var count = 0
        while differences.next() != nil { count += 1 }
        #expect(count == 4)
        #expect(differences.pagesOpened <= 4 * 2 * (old.root.height + 1))
    }

    /// A builder takes no entry that is out of order, and can go on.
    @Test func builderRefusesDisorder() {
        var builder = TestMap.Builder()
        let taken = [3, 5, 5, 4, 6].map { builder.append(TestKey($0), TestValue($0)) }
        #expect(taken == [true, true, false, false, true])
        #expect(builder.finish().map(\.key.value) == [3, 5, 6])
    }

    /// Keys chosen, with the salt known, to begin no page: one page, all answers right.
    @Test func adversarialKeysStayCorrect() {
        var map = TestMap(salt: 5)
        let keys = (0..<6_000).map { TestKey($0) }.filter { map.level(of: $0) == 0 }
        for key in keys { map.updateValue(TestValue(key.value), forKey: key) }
        #expect(map.shape.pages == [1])
        #expect(map.map(\.key) == keys)
        // With another salt the same keys spread.
        var salted = TestMap(salt: 6)
        for key in keys { salted.updateValue(TestValue(key.value), forKey: key) }
        #expect(salted.shape.pages[0] > 100)
        #expect(salted.shape.largestLeaf < 400)
    }
}
