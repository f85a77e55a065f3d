"""The one app of the site: accounts, reports and payments, with the tasks that do the slow parts."""
