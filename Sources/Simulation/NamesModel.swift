import Filesystem

/// A file of a group of names, as clients name it: at the top (`a`, `b`), or `e` in a directory that they know by its number.
enum NamesPlace: Hashable {
    case top(Int)
    case inside(UInt64)
}

/// One step of a client in a group of names that the server takes at once, and what the client was told.
struct NamesOperation: Hashable {
    enum Call: Hashable {
        case create(NamesPlace)
        case look(NamesPlace)
        /// So many bytes from the start of a file.
        case read(UInt64, length: UInt64)
        /// The first bytes of the stream `tag`, at an offset.
        case put(UInt64, offset: UInt64, tag: UInt64, length: UInt64)
        case resize(UInt64, UInt64)
        case rename(NamesPlace, NamesPlace, noReplace: Bool)
        case exchange(NamesPlace, NamesPlace)
        case link(UInt64, NamesPlace)
        case unlink(NamesPlace)
        /// `d` or `f`.
        case lookDirectory(Int)
        case makeDirectory(Int)
        case removeDirectory(Int)
        /// From one to the other.
        case renameDirectory(Int, noReplace: Bool)
        case exchangeDirectories
        case list
        case listDirectory(UInt64)
    }

    enum Answer: Hashable {
        /// None came, or one that does not say: it may have happened, happen later or never.
        case unknown
        case done
        case file(UInt64, size: UInt64, links: Int)
        case directory(UInt64)
        case bytes(Content)
        /// Of `a`, `b`, `d` and `f` (or `e` alone) their numbers, 0 where there is none.
        case names([UInt64])
        case refused(FileFailure.Code)
    }

    let client: Int
    let call: Call
    let answer: Answer
    let began: Int64
    /// Nil where no answer came.
    let ended: Int64?

    /// It changes nothing, whenever it happens.
    var onlyTells: Bool {
        if case .refused = answer { return true }
        switch call {
        case .look, .read, .lookDirectory, .list, .listDirectory: return true
        default: return false
        }
    }

    var words: String {
        let end = ended.map { "\($0 / 1_000_000) ms" } ?? "never"
        if case .bytes(let content) = answer {
            return "\(call) of client \(client), told \(content.description), from \(began / 1_000_000) ms to \(end)"
        }
        return "\(call) of client \(client), told \(answer), from \(began / 1_000_000) ms to \(end)"
    }
}

/// A group of names as POSIX has it (IEEE Std 1003.1-2024: link, rename, unlink, mkdir, rmdir, open, write, truncate): the
/// files `a` and `b`, the directories `d` and `f`, and in each of those a file `e`. Numbers are what clients were told (`st_ino`).
struct NamesState: Hashable {
    struct File: Hashable {
        /// 0: nobody was told.
        var number: UInt64
        var content = Content()
    }

    /// Of `a`, `b`, `d/e` and `f/e`: which of the files; -1: none.
    private var places = [-1, -1, -1, -1]
    /// Of `d` and `f`: its number, 0 where nobody was told; nil: none.
    private var directories: [UInt64?] = [nil, nil]
    /// In the order of their first names.
    private var files: [File] = []

    private enum Outcome {
        case done
        case file(Int)
        case directory(Int)
        case bytes(Content)
        case names
        case inside(Int)
        /// With any of these.
        case refused([FileFailure.Code])
    }

    private static let gone: [FileFailure.Code] = [.notFound, .stale]

    /// The state after an operation; nil where what the client was told is not possible.
    func after(_ operation: NamesOperation) -> NamesState? {
        var next = self
        let outcome = next.perform(operation.call)
        if case .refused(let codes) = outcome {
            guard case .refused(let code) = operation.answer, codes.contains(code) else { return nil }
            return self
        }
        switch (operation.answer, outcome) {
        case (.unknown, _), (.done, .done): break
        case (.file(let number, let size, let links), .file(let file)):
            guard next.files[file].content.length == size, next.links(of: file) == links, next.tell(number, ofFile: file) else {
                return nil
            }
        case (.directory(let number), .directory(let place)): guard next.tell(number, ofDirectory: place) else { return nil }
        case (.bytes(let told), .bytes(let held)): guard told.isSame(as: held) else { return nil }
        case (.names(let numbers), .names): guard next.tell(numbers) else { return nil }
        case (.names(let numbers), .inside(let place)):
            guard numbers.count == 1, next.tell(numbers[0], ofPlace: place) else { return nil }
        default: return nil
        }
        next.order()
        return next
    }

    /// What a client is told of a call that happens now, and the state behind it; what is made gets this number.
    func told(_ call: NamesOperation.Call, making number: UInt64) -> (NamesOperation.Answer, NamesState) {
        var next = self
        var answer = NamesOperation.Answer.done
        switch next.perform(call) {
        case .done: break
        case .file(let file):
            if next.files[file].number == 0 { next.files[file].number = number }
            answer = .file(next.files[file].number, size: next.files[file].content.length, links: next.links(of: file))
        case .directory(let place):
            if next.directories[place] == 0 { next.directories[place] = number }
            answer = .directory(next.directories[place] ?? 0)
        case .bytes(let content): answer = .bytes(content)
        case .names:
            // The listing is where directories are met for the first time.
            for place in 0..<2 where next.directories[place] == 0 { next.directories[place] = number + 1_000_000 * UInt64(1 + place) }
            answer = .names((0..<2).map(next.number) + (0..<2).map { next.directories[$0] ?? 0 })
        case .inside(let place): answer = .names([next.number(place)])
        case .refused(let codes): return (.refused(codes[0]), self)
        }
        next.order()
        return (answer, next)
    }

    private func number(_ place: Int) -> UInt64 { places[place] < 0 ? 0 : files[places[place]].number }

    // MARK: What is where

    private func index(_ place: NamesPlace) -> Int? {
        switch place {
        case .top(let name): name
        case .inside(let number): directories.firstIndex(of: number).map { $0 + 2 }
        }
    }

    private func file(_ number: UInt64) -> Int? { files.firstIndex { $0.number == number } }
    private func links(of file: Int) -> Int { places.count { $0 == file } }

    private mutating func tell(_ number: UInt64, ofFile file: Int) -> Bool {
        if files[file].number == number { return true }
        guard files[file].number == 0, number != 0, self.file(number) == nil, !directories.contains(number) else { return false }
        files[file].number = number
        return true
    }

    private mutating func tell(_ number: UInt64, ofDirectory place: Int) -> Bool {
        if directories[place] == number { return true }
        guard directories[place] == 0, number != 0, file(number) == nil, !directories.contains(number) else { return false }
        directories[place] = number
        return true
    }

    private mutating func tell(_ number: UInt64, ofPlace place: Int) -> Bool {
        places[place] < 0 ? number == 0 : number != 0 && tell(number, ofFile: places[place])
    }

    private mutating func tell(_ numbers: [UInt64]) -> Bool {
        guard numbers.count == 4, tell(numbers[0], ofPlace: 0), tell(numbers[1], ofPlace: 1) else { return false }
        for place in 0..<2 {
            guard directories[place] != nil else {
                guard numbers[2 + place] == 0 else { return false }
                continue
            }
            guard tell(numbers[2 + place], ofDirectory: place) else { return false }
        }
        return true
    }

    /// Files by their first names; those without one are gone.
    private mutating func order() {
        var kept: [File] = []
        var new = [Int](repeating: -1, count: files.count)
        for place in places.indices where places[place] >= 0 {
            let file = places[place]
            if new[file] < 0 {
                new[file] = kept.count
                kept.append(files[file])
            }
            places[place] = new[file]
        }
        files = kept
    }

    // MARK: Calls

    private mutating func perform(_ call: NamesOperation.Call) -> Outcome {
        switch call {
        case .create(let place):
            guard let index = index(place) else { return .refused(Self.gone) }
            guard places[index] < 0 else { return .refused([.exists]) }
            files.append(File(number: 0))
            places[index] = files.count - 1
            return .file(files.count - 1)
        case .look(let place):
            guard let index = index(place) else { return .refused(Self.gone) }
            return places[index] < 0 ? .refused([.notFound]) : .file(places[index])
        case .read(let number, let length):
            guard let file = file(number) else { return .refused(Self.gone) }
            return .bytes(files[file].content.slice(0, length))
        case .put(let number, let offset, let tag, let length):
            guard let file = file(number) else { return .refused(Self.gone) }
            files[file].content = files[file].content.extended(to: offset).overlaid(Content(tag: tag, length: length), at: offset)
            return .done
        case .resize(let number, let size):
            guard let file = file(number) else { return .refused(Self.gone) }
            files[file].content = files[file].content.extended(to: size).slice(0, size)
            return .done
        case .rename(let from, let to, let noReplace): return rename(from, to, noReplace: noReplace)
        case .exchange(let one, let other):
            guard let first = index(one), let second = index(other) else { return .refused(Self.gone) }
            guard places[first] >= 0, places[second] >= 0 else { return .refused([.notFound]) }
            places.swapAt(first, second)
            return .done
        case .link(let number, let place):
            guard let index = index(place), let file = file(number) else {
                return .refused(Self.gone + (index(place).map { places[$0] >= 0 } == true ? [.exists] : []))
            }
            guard places[index] < 0 else { return .refused([.exists]) }
            places[index] = file
            return .done
        case .unlink(let place):
            guard let index = index(place) else { return .refused(Self.gone) }
            guard places[index] >= 0 else { return .refused([.notFound]) }
            places[index] = -1
            return .done
        default: return performOnDirectories(call)
        }
    }

    private mutating func rename(_ from: NamesPlace, _ to: NamesPlace, noReplace: Bool) -> Outcome {
        guard let source = index(from), let target = index(to) else { return .refused(Self.gone) }
        guard places[source] >= 0 else { return .refused(places[target] >= 0 && noReplace ? [.notFound, .exists] : [.notFound]) }
        if noReplace, places[target] >= 0 { return .refused([.exists]) }
        // Two names of one file: nothing happens.
        if places[source] == places[target] { return .done }
        places[target] = places[source]
        places[source] = -1
        return .done
    }

    private mutating func performOnDirectories(_ call: NamesOperation.Call) -> Outcome {
        switch call {
        case .lookDirectory(let name): return directories[name] == nil ? .refused([.notFound]) : .directory(name)
        case .makeDirectory(let name):
            guard directories[name] == nil else { return .refused([.exists]) }
            directories[name] = 0
        case .removeDirectory(let name):
            guard directories[name] != nil else { return .refused([.notFound]) }
            guard places[2 + name] < 0 else { return .refused([.notEmpty]) }
            directories[name] = nil
        case .renameDirectory(let from, let noReplace):
            let to = 1 - from
            guard directories[from] != nil else {
                return .refused(directories[to] != nil && noReplace ? [.notFound, .exists] : [.notFound])
            }
            if directories[to] != nil, noReplace { return .refused([.exists]) }
            guard places[2 + to] < 0 else { return .refused([.notEmpty]) }
            directories[to] = directories[from]
            directories[from] = nil
            places.swapAt(2, 3)
        case .exchangeDirectories:
            guard directories[0] != nil, directories[1] != nil else { return .refused([.notFound]) }
            directories.swapAt(0, 1)
            places.swapAt(2, 3)
        case .list: return .names
        case .listDirectory(let number):
            guard let place = directories.firstIndex(of: number) else { return .refused(Self.gone) }
            return .inside(2 + place)
        default: preconditionFailure("a call on files: \(call)")
        }
        return .done
    }
}

extension Content {
    /// With zeros up to a length; each has its own place in the stream of zeros, so that equal contents are equal values.
    func extended(to size: UInt64) -> Content {
        guard size > length else { return self }
        var out = self
        out.append(Content(tag: Self.zeroTag, length: size).slice(length, size - length))
        return out
    }
}
