import Filesystem
import Namespace
import NodeCore
import Primitives

/// Groups of names and what was seen of them.
struct NamesGroups {
    private var histories: [NamesGroup: NamesHistory] = [:]  // looked up only
    /// Those of which something may still be told, in the order in which they were begun.
    private(set) var groups: [NamesGroup] = []
    /// By file system and place: the group in use.
    private var current: [Place: Int] = [:]  // looked up only

    private struct Place: Hashable {
        let filesystem: Int
        let place: Int
    }

    /// Changes without an answer after which another group takes a group's place.
    private static let unansweredMax = 3
    /// Groups that are no longer used are looked at until the end, up to so many.
    private static let groupsMax = 32

    func group(_ filesystem: Int, _ place: Int) -> NamesGroup {
        NamesGroup(filesystem: filesystem, place: place, number: current[Place(filesystem: filesystem, place: place)] ?? 0)
    }

    var held: Int { groups.reduce(0) { $0 + (histories[$1]?.held ?? 0) } }

    mutating func add(_ operation: NamesOperation, _ group: NamesGroup) {
        if histories[group] == nil {
            // One that was dropped is not begun again.
            guard group == self.group(group.filesystem, group.place) else { return }
            groups.append(group)
        }
        histories[group, default: NamesHistory()].add(operation)
        let place = Place(filesystem: group.filesystem, place: group.place)
        guard let history = histories[group], history.unanswered >= Self.unansweredMax, group.number == current[place] ?? 0 else { return }
        current[place] = group.number + 1
    }

    /// Fewer than `least` operations wait for more.
    mutating func advance(_ group: NamesGroup, pendingSince: Int64, least: Int) -> RegisterChecker.Verdict {
        guard histories[group]?.waiting ?? 0 >= least else { return .linearizable }
        return histories[group]?.advance(pendingSince: pendingSince) ?? .linearizable
    }

    /// The oldest of those that nobody uses any more are forgotten.
    mutating func forget() {
        while groups.count > Self.groupsMax {
            guard let place = groups.firstIndex(where: { $0 != group($0.filesystem, $0.place) }) else { return }
            histories[groups.remove(at: place)] = nil
        }
    }
}

// Jobs with groups of names, and what they say for the histories.
extension World {
    /// Clients that share a group.
    private static var namesClients: Int { 3 }

    mutating func makeNames(_ index: Int) -> Job {
        let filesystem = clients[index].plan.filesystem
        let group = names.group(filesystem, index / Self.namesClients)
        func below(_ count: Int) -> Int { clients[index].chance.below(count) }
        // The first of them is what they meet at.
        let first = [0, 0, 0, 1, 1, 2, 2, 3][below(8)]
        let second = (first + 1 + below(3)) % 4
        let action = Self.namesAction(below(100), isPlain: below(3) > 0)
        var spots = [first]
        switch action {
        case .rename, .exchange, .link: spots = [first, second]
        case .renameDirectory, .exchangeDirectories: spots = [first % 2, 1 - first % 2]
        case .makeDirectory, .removeDirectory, .listDirectory: spots = [first % 2]
        case .list: spots = []
        default: break
        }
        let length = UInt64(below(8) == 0 ? 4_200 + below(4_000) : 8 + below(300))
        var tag: UInt64 = 0
        if action == .append || action == .overwrite { tag = WrittenValue(rawValue: histories.newValue(length: length)).number }
        var job = Job(.names)
        job.names = NamesJob(
            group, action, spots, makesGroup: clients[index].namesGroup != group, splits: mutant == .renameInTwo,
            share: UInt64(below(120)), tag: tag, length: length)
        return job
    }

    private static func namesAction(_ draw: Int, isPlain: Bool) -> NamesJob.Action {
        switch draw {
        case 0..<12: .create
        case 12..<25: .append
        case 25..<37: .overwrite
        case 37..<41: .truncate
        case 41..<50: .rename(noReplace: !isPlain)
        case 50..<54: .exchange
        case 54..<60: .link
        case 60..<66: .unlink
        case 66..<71: .makeDirectory
        case 71..<74: .removeDirectory
        case 74..<77: isPlain ? .renameDirectory(noReplace: false) : .exchangeDirectories
        case 77..<79: .renameDirectory(noReplace: true)
        case 79..<86: .list
        case 86..<89: .listDirectory
        default: .read
        }
    }

    // MARK: Answers

    mutating func namesAnswered(_ index: Int, _ value: FileValue, _ data: Content?) {
        guard var task = clients[index].job?.names else { return }
        let call = task.call
        var answer = NamesOperation.Answer.done
        switch (task.step, value) {
        case (.makeGroup, _): clients[index].namesGroup = task.group
        case (.find(let which), .attributes(let found)):
            task.found(directory: found.inode.rawValue, which)
            answer = .directory(found.inode.rawValue)
        case (.open, .opened(let handle, let found)):
            task.handle = handle
            task.openedAt = task.began
            task.found(found)
            answer = .file(found.inode.rawValue, size: found.size, links: Int(found.links))
        case (.stat, .attributes(let found)):
            task.found(found)
            answer = .file(found.inode.rawValue, size: found.size, links: Int(found.links))
        case (.read, _): answer = .bytes(data ?? Content())
        case (.act, .entries(let entries, _)): answer = .names(Self.numbers(entries, isTop: task.action == .list))
        default: break
        }
        if let call {
            if task.isChange { wasServed(task.group.filesystem) }
            // A reader may be shown what was there when it opened the file.
            tell(index, task, call, answer, began: task.step == .read ? task.openedAt : task.began)
        }
        task.goOn()
        // An empty file has nothing to be read.
        if task.step == .read, task.size == 0 { task.goOn() }
        clients[index].job?.names = task
        guard task.next == nil else { return schedule(index, after: 1_000) }
        endNames(index)
    }

    mutating func namesFailed(_ index: Int, _ failure: FileFailure) {
        guard var task = clients[index].job?.names else { return }
        let isAnswer: Bool
        switch failure.code {
        case .notFound, .exists, .notEmpty: isAnswer = true
        // Not that the log has forgotten who asked: then it may have happened.
        case .stale: isAnswer = !failure.hint.hasPrefix("look whether")
        default: isAnswer = false
        }
        if task.step == .makeGroup, failure.code == .exists {
            // Another was first.
            clients[index].namesGroup = task.group
            task.goOn()
            clients[index].job?.names = task
            return schedule(index, after: 1_000)
        }
        guard isAnswer, task.step != .makeGroup else {
            statistics.failedOperations += 1
            return giveUp(index, isUnknown: !failure.saysNothingHappened)
        }
        if task.step == .removeTarget {
            task.goOn()
            clients[index].job?.names = task
            return schedule(index, after: 1_000)
        }
        if let call = task.call {
            tell(index, task, call, .refused(failure.code), began: task.step == .read ? task.openedAt : task.began)
        }
        // A file that stays open is closed with the session.
        if task.step == .read || task.step == .write { leaveSession(index) }
        endNames(index)
    }

    private mutating func giveUp(_ index: Int, isUnknown: Bool) {
        guard let job = clients[index].job else { return }
        abandon(job, index, isUnknown: isUnknown)
        clients[index].job = nil
        leaveSession(index)
        schedule(index, after: Int64(50 + clients[index].chance.below(450)) * 1_000_000)
    }

    /// A change that came to no end may have happened, or happen later.
    mutating func abandonNames(_ index: Int, _ task: NamesJob, isUnknown: Bool) {
        guard isUnknown, task.isChange, let call = task.call else { return }
        tell(index, task, call, .unknown, began: task.began)
    }

    private mutating func tell(
        _ index: Int, _ task: NamesJob, _ call: NamesOperation.Call, _ answer: NamesOperation.Answer, began: Int64
    ) {
        let ended = answer == .unknown ? nil : now
        let operation = NamesOperation(client: index, call: call, answer: answer, began: began, ended: ended)
        trace.line(now, "\(task.group.path): \(operation.words)")
        statistics.checks.count(.linearizability)
        names.add(operation, task.group)
    }

    private mutating func endNames(_ index: Int) {
        guard let job = clients[index].job else { return }
        noteJob(index, job, isDone: true)
        clients[index].job = nil
        let think = clients[index].plan.thinkMilliseconds
        schedule(index, after: Int64(think.lowerBound + clients[index].chance.below(think.count)) * 1_000_000)
    }

    private static func numbers(_ entries: [FileEntry], isTop: Bool) -> [UInt64] {
        let wanted = isTop ? NamesGroup.fileNames + NamesGroup.directoryNames : ["e"]
        var out = wanted.map { name in entries.first { $0.name.elementsEqual(name.utf8) }?.attributes.inode.rawValue ?? 0 }
        // What nobody made.
        if entries.contains(where: { entry in !wanted.contains { entry.name.elementsEqual($0.utf8) } }) { out.append(.max) }
        return out
    }

    // MARK: Checking

    /// Every simulated second, and at the end.
    mutating func checkNames(isEnd: Bool = false) {
        var pending: [NamesGroup: Int64] = [:]  // looked up only
        for client in clients where !isEnd {
            guard let job = client.job, let task = job.names else { continue }
            pending[task.group] = min(pending[task.group] ?? .max, job.began)
        }
        for group in names.groups {
            let since = isEnd ? .max : pending[group] ?? now
            switch names.advance(group, pendingSince: since, least: isEnd ? 0 : checkBatch.operations / 4) {
            case .linearizable: break
            case .violated(let text):
                violate(.linearizability, "\(filesystems[group.filesystem].name) \(group.path): \(text)")
            case .undecided: statistics.checks.countUndecided(.linearizability)
            }
        }
        names.forget()
    }

    /// What the replicas hold in the end is what clients would see now.
    mutating func finishNames() {
        for group in names.groups {
            guard let files = newestReplica(of: group.filesystem) else { continue }
            tellTree(of: group, files)
        }
        checkNames(isEnd: true)
    }

    private mutating func tellTree(of group: NamesGroup, _ files: FilesMachine) {
        let tree = files.namespace.tree
        guard let top = try? tree.walk(group.path, followLast: true), let page = try? tree.list(top.inode, after: 0, limit: 100) else {
            return
        }
        func tell(_ call: NamesOperation.Call, _ answer: NamesOperation.Answer) {
            names.add(NamesOperation(client: -1, call: call, answer: answer, began: now, ended: now), group)
        }
        tell(.list, .names(Self.numbers(page.entries, isTop: true)))
        var seen = page.entries
        for entry in page.entries where entry.attributes.type == .directory {
            guard let inside = try? tree.list(entry.attributes.inode, after: 0, limit: 100) else { continue }
            tell(.listDirectory(entry.attributes.inode.rawValue), .names(Self.numbers(inside.entries, isTop: false)))
            seen += inside.entries
        }
        for entry in seen where entry.attributes.type == .file {
            guard let content = content(of: entry.attributes, in: tree) else { continue }
            tell(.read(entry.attributes.inode.rawValue, length: .max / 2), .bytes(content))
        }
    }
}
