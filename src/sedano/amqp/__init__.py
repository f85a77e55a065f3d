"""What the RabbitMQ broker and the rpc result store share: URLs, connections with deadlines, confirms."""
