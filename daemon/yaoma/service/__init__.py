"""What runs the threads: readers, the recorder, the uploader, the supervisor."""
